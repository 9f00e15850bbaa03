package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strings"
)

// Algorithm is one of S3's ChecksumAlgorithm values.
type Algorithm string

// Algorithms.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
	SHA512    Algorithm = "SHA512"
	MD5       Algorithm = "MD5"
)

// All are the algorithms known here.
var All = []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5}

const headerPrefix = "x-amz-checksum-"

// Parse finds an algorithm by its name.
func Parse(name string) (Algorithm, bool) {
	a := Algorithm(strings.ToUpper(name))
	return a, slices.Contains(All, a)
}

// FromHeader finds the algorithm that a header's name is for: x-amz-checksum-crc32.
func FromHeader(name string) (Algorithm, bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(name), headerPrefix)
	if !ok {
		return "", false
	}
	return Parse(rest)
}

// Header is the name of the header that carries the algorithm's checksum.
func (a Algorithm) Header() string { return headerPrefix + strings.ToLower(string(a)) }

// nvme is the polynomial of CRC-64/NVME, reversed.
const nvme = 0x9a6c9329ac4bc9b5

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvmeTable  = crc64.MakeTable(nvme)
)

// New is a fresh hash of the algorithm. Its Sum is big-endian, as on the wire.
func New(a Algorithm) hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(castagnoli)
	case CRC64NVME:
		return crc64.New(nvmeTable)
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case MD5:
		return md5.New()
	}
	panic("checksum: no algorithm " + string(a))
}

// Size is the length of a checksum in octets.
func (a Algorithm) Size() int { return New(a).Size() }

// Full reports whether the checksum of a whole follows from those of its parts.
func (a Algorithm) Full() bool { return a == CRC32 || a == CRC32C || a == CRC64NVME }

// Encode is a checksum as headers carry it.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// Decode reads a checksum from a header; ok is false where it is not one of the algorithm.
func (a Algorithm) Decode(text string) (sum []byte, ok bool) {
	sum, err := base64.StdEncoding.DecodeString(text)
	return sum, err == nil && len(sum) == a.Size()
}

// Combine is the checksum of two pieces in a row, given theirs and the length of the second. The algorithm must be Full.
func (a Algorithm) Combine(first, second []byte, length int64) []byte {
	if a == CRC64NVME {
		c := combine(binary.BigEndian.Uint64(first), binary.BigEndian.Uint64(second), length, nvme, 64)
		return binary.BigEndian.AppendUint64(nil, c)
	}
	poly := uint64(crc32.IEEE)
	if a == CRC32C {
		poly = crc32.Castagnoli
	}
	c := combine(uint64(binary.BigEndian.Uint32(first)), uint64(binary.BigEndian.Uint32(second)), length, poly, 32)
	return binary.BigEndian.AppendUint32(nil, uint32(c))
}

// combine moves the first checksum over length octets of zeros, by repeated squaring of the operator "one zero bit" over GF(2).
func combine(first, second uint64, length int64, poly uint64, bits int) uint64 {
	if length <= 0 {
		return first
	}
	operator := make([]uint64, bits) // of one zero bit
	operator[0] = poly
	for i := 1; i < bits; i++ {
		operator[i] = 1 << (i - 1)
	}
	for range 3 { // of eight
		operator = square(operator)
	}
	for ; length > 0; length >>= 1 {
		if length&1 != 0 {
			first = apply(operator, first)
		}
		operator = square(operator)
	}
	return first ^ second
}

func apply(operator []uint64, v uint64) (sum uint64) {
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= operator[i]
		}
	}
	return sum
}

func square(operator []uint64) []uint64 {
	out := make([]uint64, len(operator))
	for i, row := range operator {
		out[i] = apply(operator, row)
	}
	return out
}
