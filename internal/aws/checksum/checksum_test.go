package checksum

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func sum(a Algorithm, b []byte) []byte {
	h := New(a)
	h.Write(b)
	return h.Sum(nil)
}

// The check values are those of the CRC catalogue and of the SHA standards, for the nine digits.
func TestCheckValues(t *testing.T) {
	for a, want := range map[Algorithm]string{
		CRC32: "y/Q5Jg==", CRC32C: "4waSgw==", CRC64NVME: "rosUhgp5mIg=", SHA1: "98O8HYCOBHMq32eZZczDTKeuNEE=",
		SHA256: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", MD5: "JfnnlDI7RTiF9RgfG2JNCw==",
	} {
		if got := Encode(sum(a, []byte("123456789"))); got != want {
			t.Errorf("%s: %s, want %s", a, got, want)
		}
		if b, ok := a.Decode(want); !ok || len(b) != a.Size() {
			t.Errorf("%s: %q is not one", a, want)
		}
	}
}

func TestCombine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]Algorithm{CRC32, CRC32C, CRC64NVME}).Draw(t, "algorithm")
		x, y := rapid.SliceOf(rapid.Byte()).Draw(t, "x"), rapid.SliceOf(rapid.Byte()).Draw(t, "y")
		if got, want := a.Combine(sum(a, x), sum(a, y), int64(len(y))), sum(a, append(bytes.Clone(x), y...)); !bytes.Equal(got, want) {
			t.Fatalf("%s: %x, want %x", a, got, want)
		}
	})
}

func TestHeader(t *testing.T) {
	for _, a := range All {
		if got, ok := FromHeader(a.Header()); !ok || got != a {
			t.Errorf("%s: %s, %v", a.Header(), got, ok)
		}
	}
	for _, name := range []string{"x-amz-checksum-xxhash64", "x-amz-checksum-type", "content-md5", ""} {
		if a, ok := FromHeader(name); ok {
			t.Errorf("%s is for %s", name, a)
		}
	}
}
