package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// Body is a request's body as its sender meant it. Errors of Read are *awserr.Error, S3's.
type Body struct {
	src      io.Reader
	size     int64 // -1: not told
	left     int64 // of size
	said     string
	sum      hash.Hash
	declared []string
	trailer  http.Header
	err      error // ended with
}

// Of makes the body of a request whose content comes from src. chain verifies the chunks' signatures where the key is known.
func Of(r *http.Request, src io.Reader, chain *sigv4.Chain) (*Body, error) {
	b := &Body{src: src, size: r.ContentLength, trailer: http.Header{}}
	if r.ContentLength == 0 && r.Body == http.NoBody {
		b.src = http.NoBody
	}
	switch said := r.Header.Get("X-Amz-Content-Sha256"); {
	case said == "" || said == sigv4.UnsignedPayload:
	case said == sigv4.StreamingPayload, said == sigv4.StreamingPayloadTrailer, said == sigv4.StreamingUnsignedTrailer:
		if err := b.chunks(r, said, chain); err != nil {
			return nil, err
		}
	case strings.HasPrefix(said, "STREAMING-AWS4-ECDSA-"):
		return nil, awserr.NotImplemented("signature version 4A")
	case len(said) == 2*sha256.Size && strings.Trim(said, "0123456789abcdef") == "":
		b.said, b.sum = said, sha256.New()
	default:
		return nil, invalid("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")
	}
	b.left = b.size
	return b, nil
}

func (b *Body) chunks(r *http.Request, form string, chain *sigv4.Chain) error {
	size, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || size < 0 {
		return awserr.New("MissingContentLength", http.StatusLengthRequired, "You must provide the Content-Length HTTP header.")
	}
	for _, names := range r.Header.Values("X-Amz-Trailer") {
		for name := range strings.SplitSeq(names, ",") {
			b.declared = append(b.declared, strings.ToLower(strings.TrimSpace(name)))
		}
	}
	c := newChunked(b.src)
	c.signed = form != sigv4.StreamingUnsignedTrailer
	c.trailing = form != sigv4.StreamingPayload
	c.declared, c.trailer = b.declared, b.trailer
	if c.signed {
		c.chain = chain
	}
	b.src, b.size = c, size
	return nil
}

// Size is the number of octets the body promises; -1 where it does not.
func (b *Body) Size() int64 { return b.size }

// Declared are the names, in lower case, of fields that follow the body.
func (b *Body) Declared() []string { return b.declared }

// Trailer has those fields once Read has returned io.EOF.
func (b *Body) Trailer() http.Header { return b.trailer }

// Read reads content, and says io.EOF once everything that was promised has been kept.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if b.size >= 0 {
		if b.left -= int64(n); b.left < 0 {
			err = incomplete()
		}
	}
	if err != nil {
		b.err = b.end(err)
	}
	return n, b.err
}

func (b *Body) end(err error) error {
	if err != io.EOF {
		if e, ok := errors.AsType[*awserr.Error](err); ok {
			return e
		}
		if t, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); ok && t.Timeout() {
			return awserr.New("RequestTimeout", http.StatusBadRequest, "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.")
		}
		return incomplete()
	}
	switch {
	case b.size >= 0 && b.left > 0:
		return incomplete()
	case b.sum != nil && hex.EncodeToString(b.sum.Sum(nil)) != b.said:
		return awserr.New("XAmzContentSHA256Mismatch", http.StatusBadRequest, "The provided 'x-amz-content-sha256' header does not match what was computed.").
			With("ClientComputedContentSHA256", b.said).With("S3ComputedContentSHA256", hex.EncodeToString(b.sum.Sum(nil)))
	}
	return io.EOF
}

func incomplete() *awserr.Error {
	return awserr.New("IncompleteBody", http.StatusBadRequest, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

func invalid(message string) *awserr.Error {
	return awserr.New("InvalidRequest", http.StatusBadRequest, "%s", message)
}
