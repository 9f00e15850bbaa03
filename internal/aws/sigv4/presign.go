package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Credentials are what is signed with. Token is a session's, if they are one's.
type Credentials struct{ AccessKeyID, Secret, Token string }

// unsignedPayload is what S3 has signatures in URLs say of the body.
const unsignedPayload = "UNSIGNED-PAYLOAD"

// Presign signs a URL so that whoever has it may GET it from S3 for a while.
func Presign(u url.URL, c Credentials, region string, now time.Time, lasting time.Duration) string {
	now = now.UTC()
	s := &Signature{
		AccessKeyID: c.AccessKeyID, Date: now.Format("20060102"), Region: region, Service: "s3", SignedHeaders: []string{"host"}, Time: now, Presigned: true,
	}
	query := u.Query()
	query.Set("X-Amz-Algorithm", Algorithm)
	query.Set("X-Amz-Credential", c.AccessKeyID+"/"+s.scope())
	query.Set("X-Amz-Date", now.Format(timeLayout))
	query.Set("X-Amz-Expires", strconv.Itoa(int(lasting.Seconds())))
	query.Set("X-Amz-SignedHeaders", strings.Join(s.SignedHeaders, ";"))
	if c.Token != "" {
		query.Set("X-Amz-Security-Token", c.Token)
	}
	path := encodePath(u.Path)
	r := &http.Request{Method: http.MethodGet, URL: &u, Host: u.Host}
	signature := s.sign(c.Secret, s.canonical(r, query, path, unsignedPayload))
	u.RawPath, u.RawQuery = path, s.canonicalQuery(query)+"&X-Amz-Signature="+hex.EncodeToString(signature)
	return u.String()
}
