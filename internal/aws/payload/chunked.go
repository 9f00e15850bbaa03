package payload

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// Bounds of what stands between chunks.
const (
	maxLine  = 1 << 10
	maxLines = 16 // of a trailer
)

// chunked takes aws-chunked apart:
//
//	SIZE[;chunk-signature=HEX] CRLF octets CRLF … 0[;chunk-signature=HEX] CRLF [name:value CRLF …] [x-amz-trailer-signature:HEX CRLF] CRLF
type chunked struct {
	r        *bufio.Reader
	signed   bool         // chunks have signatures
	trailing bool         // fields follow
	chain    *sigv4.Chain // nil: signatures are not verified
	declared []string     // names of fields that may follow
	trailer  http.Header

	begun     bool
	left      int64 // of the chunk at hand
	signature string
	sum       hash.Hash
}

func newChunked(src io.Reader) *chunked {
	return &chunked{r: bufio.NewReaderSize(src, 32<<10), sum: sha256.New()}
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	if c.chain != nil {
		c.sum.Write(p[:n])
	}
	c.left -= int64(n)
	if err == io.EOF {
		err = incomplete()
	}
	return n, err
}

// next ends the chunk at hand and begins the one after it. It returns io.EOF behind the last.
func (c *chunked) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return malformed(err)
		}
		if err := c.verify(); err != nil {
			return err
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return malformed(err)
	}
	size, extension, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 || len(size) == 0 || size[0] == '+' {
		return awserr.New("InvalidChunkSizeError", http.StatusBadRequest, "Chunk size is not valid.")
	}
	signature, has := strings.CutPrefix(extension, "chunk-signature=")
	if c.signed != has {
		return malformed(nil)
	}
	c.signature = signature
	if c.left > 0 {
		return nil
	}
	if err := c.verify(); err != nil { // of the empty last chunk
		return err
	}
	return c.end()
}

func (c *chunked) verify() error {
	if c.chain == nil {
		return nil
	}
	err := c.chain.Chunk(hex.EncodeToString(c.sum.Sum(nil)), c.signature)
	c.sum.Reset()
	return forged(err)
}

// end reads what follows the last chunk. Senders differ on the empty line at the very end.
func (c *chunked) end() error {
	var fields strings.Builder
	for range maxLines {
		line, err := c.line()
		if err == io.EOF && line == "" || err == nil && line == "" {
			if err == nil {
				if rest, _ := io.CopyN(io.Discard, c.r, 3); rest > 2 {
					return malformed(nil)
				}
			}
			return c.complete(fields.String())
		}
		if err != nil || !c.trailing {
			return malformed(err)
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok:
			return malformed(nil)
		case name == trailerSignature:
			c.signature = value
			c.trailer.Set(trailerSignature, value)
		case !slices.Contains(c.declared, name):
			return awserr.New("MalformedTrailerError", http.StatusBadRequest, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		default:
			c.trailer.Set(name, value)
			fields.WriteString(name + ":" + value + "\n")
		}
	}
	return malformed(nil)
}

const trailerSignature = "x-amz-trailer-signature"

func (c *chunked) complete(fields string) error {
	for _, name := range c.declared {
		if c.trailer.Get(name) == "" {
			return awserr.New("MalformedTrailerError", http.StatusBadRequest, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	if c.chain != nil && c.trailing {
		if err := forged(c.chain.Trailer(fields, c.trailer.Get(trailerSignature))); err != nil {
			return err
		}
	}
	c.trailer.Del(trailerSignature)
	return io.EOF
}

// line reads up to a line feed; what ends it is not part of it.
func (c *chunked) line() (string, error) {
	var b strings.Builder
	for b.Len() <= maxLine {
		octet, err := c.r.ReadByte()
		if err != nil {
			return b.String(), err
		}
		if octet == '\n' {
			return strings.TrimSuffix(b.String(), "\r"), nil
		}
		b.WriteByte(octet)
	}
	return "", malformed(nil)
}

// malformed is what a reader's error, or none of its own, means between chunks.
func malformed(err error) error {
	if err != nil && err != io.EOF {
		return err
	}
	return incomplete()
}

func forged(err error) error {
	if err == nil {
		return nil
	}
	return awserr.New("SignatureDoesNotMatch", http.StatusForbidden, "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}
