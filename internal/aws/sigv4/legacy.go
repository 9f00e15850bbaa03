package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version 2 is read in presigned URLs alone: boto3 still makes them so for S3 in the oldest Regions.

// parseLegacy reads AWSAccessKeyId, Expires and Signature.
func parseLegacy(query url.Values) (*Signature, error) {
	expires, err := strconv.ParseInt(query.Get("Expires"), 10, 64)
	if err != nil || query.Get("AWSAccessKeyId") == "" {
		return nil, ErrIncomplete
	}
	return &Signature{
		AccessKeyID: query.Get("AWSAccessKeyId"), Service: "s3", Signature: query.Get("Signature"), Token: query.Get("x-amz-security-token"),
		Presigned: true, legacy: true, Time: time.Unix(expires, 0),
	}, nil
}

// subresources are the parameters that version 2 signs.
var subresources = []string{
	"accelerate", "acl", "cors", "defaultObjectAcl", "location", "logging", "partNumber", "policy", "requestPayment", "torrent", "versioning",
	"versionId", "versions", "website", "uploads", "uploadId", "response-content-type", "response-content-language", "response-expires",
	"response-cache-control", "response-content-disposition", "response-content-encoding", "delete", "lifecycle", "tagging", "restore",
	"storageClass", "notification", "replication", "analytics", "metrics", "inventory", "select", "select-type", "object-lock", "x-amz-security-token",
}

// Legacy says whether the signature is of version 2.
func (s *Signature) Legacy() bool { return s.legacy }

// VerifyLegacy checks a signature of version 2. path is the escaped one with the bucket in front.
func (s *Signature) VerifyLegacy(r *http.Request, path string, query url.Values, secret string, now time.Time) error {
	if err := s.CheckTime(now); err != nil {
		return err
	}
	want, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil {
		return ErrMismatch
	}
	var amz, signed []string
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			amz = append(amz, name+":"+strings.Join(values, ",")+"\n")
		}
	}
	slices.Sort(amz)
	for name, values := range query {
		if !slices.Contains(subresources, name) {
			continue
		}
		if values[0] == "" {
			signed = append(signed, name)
		} else {
			signed = append(signed, name+"="+values[0])
		}
	}
	slices.Sort(signed)
	resource := path
	if len(signed) > 0 {
		resource += "?" + strings.Join(signed, "&")
	}
	text := strings.Join([]string{
		r.Method, r.Header.Get("Content-Md5"), r.Header.Get("Content-Type"), strconv.FormatInt(s.Time.Unix(), 10), strings.Join(amz, "") + resource,
	}, "\n")
	m := hmac.New(sha1.New, []byte(secret))
	m.Write([]byte(text))
	if !hmac.Equal(want, m.Sum(nil)) {
		return ErrMismatch
	}
	return nil
}
