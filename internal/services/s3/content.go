package s3

import (
	"bytes"
	"encoding/base64"
	"io"
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/aws/payload"
	"github.com/neargate/neargate/internal/object"
)

// Limits of objects.
const (
	maxPut    = 5 << 30 // of one request: an object, or a part of one
	maxObject = 5 << 40
)

// upload is content on its way in, and what its sender says of it.
type upload struct {
	body      *payload.Body
	md5       []byte                        // nil: not told
	sums      map[checksum.Algorithm][]byte // told in the head
	trailing  checksum.Algorithm            // told behind the body; empty: none
	algorithm checksum.Algorithm            // that is kept
	stated    bool                          // the sender chose it
}

// uploadOf reads what an input says of its body. usual is the checksum to compute where the sender chooses none.
func uploadOf(in any, body io.Reader, usual checksum.Algorithm) (*upload, error) {
	b, ok := body.(*payload.Body)
	if !ok {
		return nil, errMissingLength.New("You must provide the Content-Length HTTP header.")
	}
	u := &upload{body: b, algorithm: usual}
	switch size := b.Size(); {
	case size < 0:
		return nil, errMissingLength.New("You must provide the Content-Length HTTP header.")
	case size > maxPut:
		return nil, errEntityTooLarge.New("Your proposed upload exceeds the maximum allowed size").With("ProposedSize", size).With("MaxSizeAllowed", int64(maxPut))
	}
	if text := textOf(in, "ContentMD5"); text != "" {
		sum, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(sum) != checksum.MD5.Size() {
			return nil, errInvalidDigest.New("The Content-MD5 you specified was invalid.").With("Content-MD5", text)
		}
		u.md5 = sum
	}
	var err error
	if u.sums, err = checksums(in); err != nil {
		return nil, err
	}
	for _, name := range b.Declared() {
		a, ok := checksum.FromHeader(name)
		if !ok {
			return nil, awserr.NotImplemented("trailing field " + name)
		}
		if u.trailing != "" || len(u.sums) > 0 {
			return nil, errManySums()
		}
		u.trailing = a
	}
	switch stated := slices.Collect(maps.Keys(u.sums)); {
	case len(stated) > 1:
		return nil, errManySums()
	case len(stated) == 1:
		u.algorithm, u.stated = stated[0], true
	case u.trailing != "":
		u.algorithm, u.stated = u.trailing, true
	case textOf(in, "ChecksumAlgorithm") != "":
		return nil, errInvalidRequest.New("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return u, nil
}

func errManySums() error {
	return errInvalidRequest.New("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
}

// receive writes the content to the disk and compares it with what was said.
func (u *upload) receive(e *object.Engine, also ...checksum.Algorithm) (*object.Draft, error) {
	d, err := e.Receive(u.body, append(also, u.algorithm)...)
	if err != nil {
		return nil, err
	}
	if err := u.check(d); err != nil {
		d.Discard()
		return nil, err
	}
	return d, nil
}

func (u *upload) check(d *object.Draft) error {
	if u.md5 != nil && !bytes.Equal(u.md5, d.MD5) {
		return errBadDigest.New("The Content-MD5 you specified did not match what we received.").
			With("ExpectedDigest", checksum.Encode(u.md5)).With("CalculatedDigest", checksum.Encode(d.MD5))
	}
	if u.trailing != "" {
		sum, ok := u.trailing.Decode(u.body.Trailer().Get(u.trailing.Header()))
		if !ok {
			return errInvalidRequest.New("Value for %s trailing header is invalid.", u.trailing.Header())
		}
		u.sums[u.trailing] = sum
	}
	for a, want := range u.sums {
		if !bytes.Equal(want, d.Sums[a]) {
			return errBadDigest.New("The %s you specified did not match the calculated checksum.", a)
		}
	}
	return nil
}

// kept is the checksum to keep with the object.
func (u *upload) kept(d *object.Draft) object.Checksum {
	return object.Checksum{Algorithm: u.algorithm, Sum: d.Sums[u.algorithm], Type: object.FullObject}
}
