package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Algorithm is the one this package knows.
const Algorithm = "AWS4-HMAC-SHA256"

// AlgorithmV4A is the asymmetric one, whose signatures are for several regions at once.
const AlgorithmV4A = "AWS4-ECDSA-P256-SHA256"

const timeLayout = "20060102T150405Z"

// Errors of Parse and Verify.
var (
	ErrIncomplete = errors.New("signature lacks a part or is not of the expected form")
	ErrMismatch   = errors.New("signature does not match")
	ErrExpired    = errors.New("signature has expired")
	ErrEarly      = errors.New("signature is not valid yet")
	// ErrAlgorithm is a signature of another kind: version 2, or version 4A for several regions.
	ErrAlgorithm = errors.New("signature algorithm is not known")
)

// Signature is what a request says about who signed it.
type Signature struct {
	AccessKeyID     string
	Date            string // yyyymmdd
	Region, Service string // of the credential scope
	SignedHeaders   []string
	Signature       string
	Token           string // session token
	Time            time.Time
	Presigned       bool
	Expires         time.Duration // presigned only
	legacy          bool          // of version 2; Time is when it ends
}

// Parse reads the signature of a request. It returns nil without an error where the request carries none.
func Parse(r *http.Request, query url.Values) (*Signature, error) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		return parseHeader(r, auth)
	}
	if query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Credential") {
		return parseQuery(query)
	}
	if query.Has("AWSAccessKeyId") && query.Has("Signature") && !query.Has("SignatureVersion") {
		return parseLegacy(query)
	}
	return nil, nil
}

// foreign tells algorithms that AWS knows from noise.
func foreign(algorithm string) error {
	if algorithm == "AWS" || algorithm == AlgorithmV4A {
		return fmt.Errorf("%w: %s", ErrAlgorithm, algorithm)
	}
	return ErrIncomplete
}

func parseHeader(r *http.Request, auth string) (*Signature, error) {
	scheme, rest, _ := strings.Cut(auth, " ")
	if scheme != Algorithm {
		return nil, foreign(scheme)
	}
	s := &Signature{Token: r.Header.Get("X-Amz-Security-Token")}
	var signed string
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			if !s.setCredential(value) {
				return nil, ErrIncomplete
			}
		case "SignedHeaders":
			signed = value
		case "Signature":
			s.Signature = value
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			stamp = t.UTC().Format(timeLayout)
		}
	}
	return s.complete(signed, stamp)
}

func parseQuery(query url.Values) (*Signature, error) {
	if name := query.Get("X-Amz-Algorithm"); name != Algorithm {
		return nil, foreign(name)
	}
	s := &Signature{Presigned: true, Signature: query.Get("X-Amz-Signature"), Token: query.Get("X-Amz-Security-Token")}
	if !s.setCredential(query.Get("X-Amz-Credential")) {
		return nil, ErrIncomplete
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || seconds < 0 || seconds > maxExpires {
		return nil, ErrIncomplete
	}
	s.Expires = time.Duration(seconds) * time.Second
	return s.complete(query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Date"))
}

// maxExpires is a week, in seconds.
const maxExpires = 7 * 24 * 60 * 60

// setCredential reads AKID/yyyymmdd/region/service/aws4_request. The key itself may hold slashes.
func (s *Signature) setCredential(credential string) bool {
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" {
		return false
	}
	s.AccessKeyID = strings.Join(parts[:n-4], "/")
	s.Date, s.Region, s.Service = parts[n-4], parts[n-3], parts[n-2]
	return s.AccessKeyID != "" && s.Region != "" && s.Service != ""
}

func (s *Signature) complete(signedHeaders, stamp string) (*Signature, error) {
	if signedHeaders == "" || s.Signature == "" || s.AccessKeyID == "" {
		return nil, ErrIncomplete
	}
	s.SignedHeaders = strings.Split(signedHeaders, ";")
	t, err := time.Parse(timeLayout, stamp)
	if err != nil || !strings.HasPrefix(stamp, s.Date) {
		return nil, ErrIncomplete
	}
	s.Time = t
	return s, nil
}
