package payload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// The example of "Signature calculations: transferring payload in multiple chunks", with the keys of AWS's documents.
const exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

func exampleChain(t testing.TB, seed string) *sigv4.Chain {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", "20130524T000000Z")
	if err != nil {
		t.Fatal(err)
	}
	s := &sigv4.Signature{Date: "20130524", Region: "us-east-1", Service: "s3", Time: at, Signature: seed}
	return s.Chain(exampleSecret)
}

const exampleSeed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

var exampleSignatures = []string{
	"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
}

func example() string {
	var b strings.Builder
	for i, size := range []int{65536, 1024, 0} {
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s\r\n", size, exampleSignatures[i], strings.Repeat("a", size))
	}
	return b.String()
}

func request(form, content string, size int) *http.Request {
	r := httptest.NewRequest(http.MethodPut, "/examplebucket/chunkObject.txt", strings.NewReader(content))
	r.Header.Set("X-Amz-Content-Sha256", form)
	if size >= 0 {
		r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(size))
	}
	return r
}

func TestSignedChunks(t *testing.T) {
	for _, c := range []struct {
		name, content string
		size          int
		code          string
	}{
		{"AWS's example", example(), 66560, ""},
		{"a changed octet", strings.Replace(example(), "aaa", "aba", 1), 66560, "SignatureDoesNotMatch"},
		{"a chunk left out", example()[strings.Index(example(), "400;"):], 1024, "SignatureDoesNotMatch"},
		{"no last chunk", example()[:strings.Index(example(), "\r\n0;")+2], 66560, "IncompleteBody"},
		{"cut off", example()[:1000], 66560, "IncompleteBody"},
		{"fewer octets than promised", example(), 66561, "IncompleteBody"},
		{"more octets than promised", example(), 66559, "IncompleteBody"},
		{"without signatures", "3\r\nabc\r\n0\r\n\r\n", 3, "IncompleteBody"},
		{"a bad size", "x;chunk-signature=00\r\n", 3, "InvalidChunkSizeError"},
		{"a negative size", "-1;chunk-signature=00\r\n", 3, "InvalidChunkSizeError"},
		{"a line without end", strings.Repeat("0", 5000), 3, "IncompleteBody"},
		{"no length", example(), -1, "MissingContentLength"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(sigv4.StreamingPayload, c.content, c.size)
			body, err := Of(r, iotest.HalfReader(r.Body), exampleChain(t, exampleSeed))
			var got []byte
			if err == nil {
				got, err = io.ReadAll(body)
			}
			if code(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if c.code == "" && (len(got) != c.size || body.Size() != int64(c.size)) {
				t.Errorf("%d octets of %d", len(got), body.Size())
			}
		})
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*awserr.Error](err); ok {
		return e.Code
	}
	return ""
}

// The example of "Signature calculations including trailing headers".
func TestSignedTrailer(t *testing.T) {
	signatures := []string{
		"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
	}
	const last = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
	var b strings.Builder
	for i, size := range []int{65536, 1024, 0} {
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", size, signatures[i], strings.Repeat("a", size))
		if size > 0 {
			b.WriteString("\r\n")
		}
	}
	b.WriteString("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:")
	for signature, want := range map[string]string{last: "", strings.Repeat("0", 64): "SignatureDoesNotMatch"} {
		r := request(sigv4.StreamingPayloadTrailer, b.String()+signature+"\r\n\r\n", 66560)
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
		body, err := Of(r, r.Body, exampleChain(t, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, body)
		if code(err) != want || want == "" && (n != 66560 || body.Trailer().Get("x-amz-checksum-crc32c") != "sOO8/Q==") {
			t.Errorf("%d octets, %v, %v", n, err, body.Trailer())
		}
	}
}

func TestUnsignedTrailer(t *testing.T) {
	for _, c := range []struct{ content, declared, code string }{
		{"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", "x-amz-checksum-crc32", ""},
		{"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\n\r\n\r\n", "x-amz-checksum-crc32", ""},
		{"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n", "x-amz-checksum-crc32", ""},
		{"3\r\nabc\r\n0\r\n\r\n", "", ""},
		{"3\r\nabc\r\n0\r\n\r\n", "x-amz-checksum-crc32", "MalformedTrailerError"},
		{"3\r\nabc\r\n0\r\nx-other:1\r\n\r\n", "x-amz-checksum-crc32", "MalformedTrailerError"},
		{"3\r\nabcd\r\n0\r\n\r\n", "", "IncompleteBody"},
		{"3;chunk-signature=00\r\nabc\r\n0\r\n\r\n", "", "IncompleteBody"},
		{"3\r\nabc\r\n0\r\n\r\nmore", "", "IncompleteBody"},
	} {
		r := request(sigv4.StreamingUnsignedTrailer, c.content, 3)
		if c.declared != "" {
			r.Header.Set("X-Amz-Trailer", c.declared)
		}
		body, err := Of(r, r.Body, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); code(err) != c.code || c.code == "" && (err != nil || string(got) != "abc") {
			t.Errorf("%q: %q, %v", c.content, got, err)
		}
	}
}

func TestHashedBody(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	sum := sha256.Sum256([]byte("abc"))
	for _, c := range []struct{ form, content, code string }{
		{hex.EncodeToString(sum[:]), "abc", ""},
		{empty, "", ""},
		{empty, "abc", "XAmzContentSHA256Mismatch"},
		{sigv4.UnsignedPayload, "abc", ""},
		{"", "abc", ""},
		{"nonsense", "abc", "InvalidRequest"},
		{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "abc", "NotImplemented"},
	} {
		r := request(c.form, c.content, -1)
		body, err := Of(r, r.Body, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		if code(err) != c.code {
			t.Errorf("%q of %q: %v, want %q", c.form, c.content, err, c.code)
		}
	}
}

// However a body is cut into chunks and however it arrives, it comes out whole.
func TestChunksComeOutWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 1, 100)).Draw(t, "chunks")
		var wire, want bytes.Buffer
		for _, c := range chunks {
			fmt.Fprintf(&wire, "%x\r\n%s\r\n", len(c), c)
			want.Write(c)
		}
		wire.WriteString("0\r\n\r\n")
		r := request(sigv4.StreamingUnsignedTrailer, wire.String(), want.Len())
		src := io.Reader(r.Body)
		if rapid.Bool().Draw(t, "slow") {
			src = iotest.OneByteReader(src)
		}
		body, err := Of(r, src, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

func FuzzChunked(f *testing.F) {
	f.Add("3;chunk-signature=00\r\nabc\r\n0;chunk-signature=00\r\nx-amz-checksum-crc32:NSRBwg==\r\nx-amz-trailer-signature:00\r\n\r\n", true)
	f.Add("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", false)
	f.Fuzz(func(t *testing.T, content string, signed bool) {
		form := sigv4.StreamingUnsignedTrailer
		if signed {
			form = sigv4.StreamingPayloadTrailer
		}
		r := request(form, content, 3)
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		chain := exampleChain(t, exampleSeed)
		if len(content)%2 == 0 {
			chain = nil // of a key that is not known
		}
		body, err := Of(r, r.Body, chain)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, body)
		if err == nil && n != 3 {
			t.Errorf("%d octets and no error", n)
		}
		if err != nil && code(err) == "" {
			t.Errorf("%v is not for clients", err)
		}
	})
}
