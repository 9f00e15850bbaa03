package sigv4

import (
	"crypto/hmac"
	"encoding/hex"
	"strings"
)

// Values of X-Amz-Content-Sha256 for bodies that are sent in chunks ("Signature calculations: transferring payload in
// multiple chunks").
const (
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Chain verifies the signatures of a body's chunks, each of which covers the one before it.
type Chain struct {
	key         []byte
	stamp, last string
	scope       string
}

// Chain begins with the signature of the request's head.
func (s *Signature) Chain(secret string) *Chain {
	return &Chain{key: s.signingKey(secret), stamp: s.Time.Format(timeLayout), scope: s.scope(), last: s.Signature}
}

// Chunk checks the signature of the next chunk, given the hash of its octets.
func (c *Chain) Chunk(hash, signature string) error {
	return c.next(Algorithm+"-PAYLOAD", Hash(nil)+"\n"+hash, signature)
}

// Trailer checks the signature of the trailing fields: "name:value\n" for each.
func (c *Chain) Trailer(fields, signature string) error {
	return c.next(Algorithm+"-TRAILER", Hash([]byte(fields)), signature)
}

func (c *Chain) next(what, content, signature string) error {
	text := strings.Join([]string{what, c.stamp, c.scope, c.last, content}, "\n")
	want := hex.EncodeToString(mac(c.key, text))
	if !hmac.Equal([]byte(want), []byte(signature)) {
		return ErrMismatch
	}
	c.last = signature
	return nil
}
