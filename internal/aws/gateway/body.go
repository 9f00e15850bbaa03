package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
)

const (
	maxBody     = 6 << 20 // where the operation does not say otherwise
	maxForm     = 6 << 20
	slowBody    = 4 << 10         // bodies above arrive within bodyTimeout or not at all
	bodyTimeout = 2 * time.Minute // for a whole body
	maxPooled   = 64 << 10        // larger buffers are left to the garbage collector
	maxDrained  = 64 << 20        // of a body that is too large, so that its sender comes to read the answer
)

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// read receives the body, unless the operation streams it.
func (g *Gateway) read(x *exchange) error {
	if !x.info.StreamsInput {
		limit := int64(maxBody)
		if x.info.MaxBody > 0 {
			limit = x.info.MaxBody
		}
		if err := x.receive(limit); err != nil {
			return err
		}
	}
	return x.next()
}

// receive reads the body once.
func (x *exchange) receive(limit int64) error {
	if x.read {
		return nil
	}
	x.read = true
	size := x.http.ContentLength
	if size == 0 {
		return nil
	}
	if size < 0 || size > slowBody {
		// Best effort: a writer without deadlines leaves the client its time. The deadline must not outlive the body: the
		// server would take the connection of a long answer for dead.
		c := http.NewResponseController(x.writer)
		_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))
		defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	}
	if size > limit {
		return x.tooLarge()
	}
	x.buffer = buffers.Get().(*[]byte)
	buf := bytes.NewBuffer((*x.buffer)[:0])
	if size > 0 {
		buf.Grow(int(size))
	}
	n, err := buf.ReadFrom(io.LimitReader(x.http.Body, limit+1))
	x.body = buf.Bytes()
	*x.buffer = x.body
	switch {
	case n > limit:
		return x.tooLarge()
	case err != nil:
		return awserr.New("RequestTimeout", http.StatusBadRequest, "The request body could not be read: %v", err)
	}
	return nil
}

// recycle gives a buffer's memory back. Decoders copy what they keep.
func recycle(b *[]byte) {
	if b != nil && cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}

// tooLarge refuses a body after most of it went by unread: clients that are still sending do not look for an answer.
func (x *exchange) tooLarge() error {
	_, _ = io.CopyN(io.Discard, x.http.Body, maxDrained)
	return errTooLarge("")
}

// errTooLarge says that a request is too large, and in which respect other than its octets.
func errTooLarge(respect string) error {
	return awserr.New("RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "%s", "Request size exceeds the limit"+respect)
}

// plainBody is the body without its content encoding. Signatures cover the encoded one.
func (x *exchange) plainBody() ([]byte, error) {
	if !strings.EqualFold(x.http.Header.Get("Content-Encoding"), "gzip") || len(x.body) == 0 {
		return x.body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(x.body))
	if err != nil {
		return nil, errGzip()
	}
	limit := int64(maxBody)
	if x.info != nil && x.info.MaxBody > 0 { // a form is read to find the operation
		limit = x.info.MaxBody
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	switch {
	case int64(len(out)) > limit:
		return nil, errTooLarge("")
	case err != nil && !errors.Is(err, io.EOF):
		return nil, errGzip()
	}
	return out, nil
}

func errGzip() error {
	return awserr.New("SerializationException", http.StatusBadRequest, "The request body is not valid gzip")
}
