package object

import (
	"crypto/md5"
	"hash"

	"github.com/neargate/neargate/internal/aws/checksum"
)

// summer computes the MD5 that entity tags are made of, and checksums beside it.
type summer struct {
	md5  hash.Hash
	sums map[checksum.Algorithm]hash.Hash
}

func newSummer(algorithms []checksum.Algorithm) *summer {
	s := &summer{md5: md5.New(), sums: map[checksum.Algorithm]hash.Hash{}}
	for _, a := range algorithms {
		s.sums[a] = checksum.New(a)
	}
	return s
}

func (s *summer) Write(p []byte) (int, error) {
	s.md5.Write(p)
	for _, h := range s.sums {
		h.Write(p)
	}
	return len(p), nil
}

func (s *summer) results() (sum []byte, sums map[checksum.Algorithm][]byte) {
	sums = make(map[checksum.Algorithm][]byte, len(s.sums))
	for a, h := range s.sums {
		sums[a] = h.Sum(nil)
	}
	return s.md5.Sum(nil), sums
}
