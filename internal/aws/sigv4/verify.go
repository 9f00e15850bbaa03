package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Skew is how far the signer's clock may be from ours.
const Skew = 15 * time.Minute

// UnsignedPayload stands for the body's hash where the signer did not hash it.
const UnsignedPayload = "UNSIGNED-PAYLOAD"

// Verify checks the signature of r with the secret of its access key. body is the hash that Hash gives for the body, or
// what X-Amz-Content-Sha256 says where the service allows unsigned bodies.
func (s *Signature) Verify(r *http.Request, query url.Values, secret, bodyHash string, now time.Time) error {
	if err := s.CheckTime(now); err != nil {
		return err
	}
	if !slices.Contains(s.SignedHeaders, "host") {
		return ErrMismatch
	}
	want, err := hex.DecodeString(s.Signature)
	if err != nil {
		return ErrMismatch
	}
	// Services other than S3 sign the path encoded once more than it is sent. Accept both: clients differ on paths that
	// hold nothing to encode, and a match proves the key either way.
	for _, path := range canonicalPaths(r) {
		if hmac.Equal(want, s.sign(secret, s.canonical(r, query, path, bodyHash))) {
			return nil
		}
	}
	return ErrMismatch
}

// CheckTime says whether the signature has expired, or is not valid yet.
func (s *Signature) CheckTime(now time.Time) error {
	switch {
	case s.legacy:
		if now.After(s.Time) {
			return ErrExpired
		}
	case s.Time.After(now.Add(Skew)):
		return ErrEarly
	case s.Presigned && now.After(s.Time.Add(s.Expires)):
		return ErrExpired
	case !s.Presigned && now.After(s.Time.Add(Skew)):
		return ErrExpired
	}
	return nil
}

// Hash is the hash of a body as signatures contain it.
func Hash(body []byte) string {
	h := sha256.Sum256(body)
	return hex.EncodeToString(h[:])
}

func canonicalPaths(r *http.Request) []string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	paths := []string{encodePath(path)}
	if paths[0] != path {
		paths = append(paths, path)
	}
	if decoded := encodePath(r.URL.Path); !slices.Contains(paths, decoded) {
		paths = append(paths, decoded)
	}
	return paths
}

func (s *Signature) canonical(r *http.Request, query url.Values, path, bodyHash string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path + "\n" + s.canonicalQuery(query) + "\n")
	for _, name := range s.SignedHeaders {
		b.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.SignedHeaders, ";") + "\n" + bodyHash)
	return b.String()
}

// canonicalQuery is the parameters in order of their encoded names, the signature itself aside.
func (s *Signature) canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if s.Presigned && name == "X-Amz-Signature" {
			continue
		}
		for _, v := range values {
			pairs = append(pairs, encode(name)+"="+encode(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		if values := r.Header.Values(name); len(values) == 0 {
			return strconv.FormatInt(r.ContentLength, 10)
		}
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

func (s *Signature) sign(secret, canonical string) []byte {
	return mac(s.signingKey(secret), strings.Join([]string{Algorithm, s.Time.Format(timeLayout), s.scope(), Hash([]byte(canonical))}, "\n"))
}

func (s *Signature) scope() string {
	return strings.Join([]string{s.Date, s.Region, s.Service, "aws4_request"}, "/")
}

func (s *Signature) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Date, s.Region, s.Service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func encode(s string) string { return escape(s, "-_.~") }

func encodePath(s string) string { return escape(s, "-_.~/") }

// escape percent-encodes all but letters, digits and keep.
func escape(s, keep string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hexDigits[c>>4]) + string(hexDigits[c&15]))
		}
	}
	return b.String()
}
