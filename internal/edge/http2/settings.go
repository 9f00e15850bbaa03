package http2

import "encoding/binary"

// Settings (RFC 9113, section 6.5.2).
const (
	settingTableSize     = 0x1
	settingEnablePush    = 0x2
	settingMaxStreams    = 0x3
	settingInitialWindow = 0x4
	settingMaxFrame      = 0x5
	settingMaxHeaderList = 0x6
)

const maxWindow = 1<<31 - 1

// settings takes over what the client says about itself. Its frame size is at least what we send.
func (c *Connection) settings(f *frame) error {
	switch {
	case f.stream != 0:
		return breach(ProtocolError, "settings on a stream")
	case f.has(flagAck) && len(f.payload) > 0 || len(f.payload)%6 != 0:
		return breach(FrameSizeError, "settings of odd length")
	case f.has(flagAck):
		return nil
	}
	if err := c.spend(len(f.payload) / 6); err != nil { // each may concern every stream
		return err
	}
	c.settled = true
	c.mu.Lock()
	defer c.mu.Unlock()
	for b := f.payload; len(b) > 0; b = b[6:] {
		if err := c.set(binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[2:])); err != nil {
			return err
		}
	}
	return c.reply(appendFrameHead(c.takeOut(), 0, frameSettings, flagAck, 0))
}

func (c *Connection) set(id uint16, value uint32) error {
	switch id {
	case settingEnablePush:
		if value > 1 {
			return breach(ProtocolError, "enable-push is neither 0 nor 1")
		}
	case settingMaxFrame:
		if value < maxFrame || value > 1<<24-1 {
			return breach(ProtocolError, "frame size out of range")
		}
	case settingTableSize:
		c.resizeTable = true
	case settingInitialWindow:
		if value > maxWindow {
			return breach(FlowControlError, "window too large")
		}
		change := int64(value) - int64(c.initialWindow)
		c.initialWindow = int32(value)
		for _, s := range c.streams {
			if s.window += change; s.window > maxWindow {
				return breach(FlowControlError, "window too large")
			}
			s.changed.Broadcast()
		}
	}
	return nil
}
