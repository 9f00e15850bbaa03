package http2

import "encoding/binary"

// Types of frames (RFC 9113, section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	framePriority     = 0x2
	frameReset        = 0x3
	frameSettings     = 0x4
	framePushPromise  = 0x5
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8
	frameContinuation = 0x9
)

// Flags of frames.
const (
	flagAck        = 0x1 // SETTINGS, PING
	flagEndStream  = 0x1 // DATA, HEADERS
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	// Preface is what every client sends first.
	Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	frameHead = 9
	maxFrame  = 16 << 10 // the smallest SETTINGS_MAX_FRAME_SIZE there is; more would only make one stream wait for another
)

// frame is one frame in the buffer it was read into.
type frame struct {
	kind, flags uint8
	stream      uint32
	payload     []byte
}

// parseFrame reads a frame from the beginning of b, and how long it is. n is 0 while b holds only a part of it.
func parseFrame(b []byte) (f frame, n int, err error) {
	if len(b) < frameHead {
		return f, 0, nil
	}
	length := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	if length > maxFrame {
		return f, 0, breach(FrameSizeError, "frame too long")
	}
	if n = frameHead + length; len(b) < n {
		return f, 0, nil
	}
	return frame{b[3], b[4], binary.BigEndian.Uint32(b[5:]) & (1<<31 - 1), b[frameHead:n]}, n, nil
}

func (f *frame) has(flag uint8) bool { return f.flags&flag != 0 }

// unpad removes the padding and its length.
func (f *frame) unpad() error {
	if !f.has(flagPadded) {
		return nil
	}
	if len(f.payload) == 0 {
		return breach(FrameSizeError, "padded frame without padding length")
	}
	n := int(f.payload[0])
	if f.payload = f.payload[1:]; n > len(f.payload) {
		return breach(ProtocolError, "more padding than frame")
	}
	f.payload = f.payload[:len(f.payload)-n]
	return nil
}

// priority removes the priority fields of HEADERS and checks what is left of their meaning.
func (f *frame) priority() error {
	if !f.has(flagPriority) {
		return nil
	}
	if len(f.payload) < 5 {
		return breach(FrameSizeError, "frame too short for its priority")
	}
	depends := f.word(0)
	f.payload = f.payload[5:]
	if depends == f.stream {
		return &streamFault{f.stream, ProtocolError, "stream depends on itself"}
	}
	return nil
}

// word is the 31-bit number at offset i.
func (f *frame) word(i int) uint32 { return binary.BigEndian.Uint32(f.payload[i:]) & (1<<31 - 1) }

func appendFrameHead(b []byte, length int, kind, flags uint8, stream uint32) []byte {
	return append(b, byte(length>>16), byte(length>>8), byte(length), kind, flags,
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

func appendReset(b []byte, stream uint32, code Code) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHead(b, 4, frameReset, 0, stream), uint32(code))
}

func appendWindowUpdate(b []byte, stream uint32, n int) []byte {
	return binary.BigEndian.AppendUint32(appendFrameHead(b, 4, frameWindowUpdate, 0, stream), uint32(n))
}

func appendGoAway(b []byte, last uint32, code Code) []byte {
	b = appendFrameHead(b, 8, frameGoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendSetting(b []byte, id uint16, value uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(b, id), value)
}
