package http2

import "fmt"

// Code is an error code (RFC 9113, section 7).
type Code uint32

const (
	NoError            Code = 0x0
	ProtocolError      Code = 0x1
	InternalError      Code = 0x2
	FlowControlError   Code = 0x3
	StreamClosed       Code = 0x5
	FrameSizeError     Code = 0x6
	RefusedStream      Code = 0x7
	Cancel             Code = 0x8
	CompressionError   Code = 0x9
	EnhanceYourCalm    Code = 0xb
	InadequateSecurity Code = 0xc
	HTTP11Required     Code = 0xd
)

// ConnectionError is a breach of the protocol after which nothing on the connection can be trusted.
type ConnectionError struct {
	Code   Code
	Reason string
}

func (e *ConnectionError) Error() string {
	return fmt.Sprintf("http2 connection error %#x: %s", uint32(e.Code), e.Reason)
}

// streamFault is a breach that concerns one stream.
type streamFault struct {
	stream uint32
	code   Code
	reason string
}

func (e *streamFault) Error() string {
	return fmt.Sprintf("http2 stream %d: error %#x: %s", e.stream, uint32(e.code), e.reason)
}

// StreamError is why a stream ended before its time.
type StreamError struct {
	Code   Code
	Remote bool // the client's doing
}

func (e *StreamError) Error() string {
	by := "by us"
	if e.Remote {
		by = "by the client"
	}
	return fmt.Sprintf("http2 stream reset %s: error %#x", by, uint32(e.Code))
}

func breach(code Code, reason string) error { return &ConnectionError{code, reason} }
