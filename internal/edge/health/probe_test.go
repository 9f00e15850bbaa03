package health

import (
	"bytes"
	"io"
	"net"
	"testing"
	"testing/iotest"
)

// canned is a connection with an answer that is there already.
type canned struct {
	net.Conn
	io.Reader
}

func (canned) Write(p []byte) (int, error)  { return len(p), nil }
func (c canned) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// TestAnswerWithItsEnd: crypto/tls hands over the last octets together with io.EOF when the closing alert has come with them.
func TestAnswerWithItsEnd(t *testing.T) {
	const answer = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
	for name, r := range map[string]io.Reader{
		"together": iotest.DataErrReader(bytes.NewReader([]byte(answer))),
		"apart":    iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader([]byte(answer)))),
	} {
		if code, err := ask(canned{Reader: r}, nil); code != 204 || err != nil {
			t.Errorf("%s: %d %v", name, code, err)
		}
	}
	if code, err := ask(canned{Reader: iotest.DataErrReader(bytes.NewReader([]byte("HTTP/1.1 2")))}, nil); err != io.EOF {
		t.Errorf("cut off: %d %v", code, err)
	}
}
