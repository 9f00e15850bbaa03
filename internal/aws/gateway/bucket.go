package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// A bucket is named by the first segment of a path ("path style") or by the host ("virtual-hosted style"): what stands before
// the label s3, or before localhost where the client was given the bare name as its endpoint.

var bucketLabel = regexp.MustCompile(`^s3(-fips|-accelerate|-external-1|-[a-z]{2}(-[a-z]+)+-[0-9]+)?$`)

// ownName is what else clients may call us below localhost.
const ownName = "neargate"

// BucketHost reads a host name: the bucket in it, and whether it is a name of the service that has buckets.
func BucketHost(hostport string) (bucket string, service bool) {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return "", false
	}
	labels := strings.Split(host, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		if bucketLabel.MatchString(labels[i]) {
			return strings.Join(labels[:i], "."), true
		}
	}
	name, local := strings.CutSuffix(host, ".localhost")
	if !local || name == ownName {
		return "", false
	}
	return strings.TrimSuffix(name, "."+ownName), false
}

// forBuckets says whether a request is for the API with buckets, whatever else it looks like: objects may be forms.
func (g *Gateway) forBuckets(x *exchange) bool {
	a := g.apis.buckets
	if a == nil {
		return false
	}
	if x.signature != nil {
		return x.signature.Service == a.service.SigningName
	}
	if _, service := BucketHost(x.http.Host); service {
		return true
	}
	// A signature that could not be read: S3's clients alone send this header with others than JSON.
	return x.http.Header.Get("X-Amz-Content-Sha256") != "" && x.http.Header.Get("X-Amz-Target") == "" && !isForm(x.http)
}

// findBucket finds the operation on a bucket or an object.
func (g *Gateway) findBucket(x *exchange) (*api, string, error) {
	x.codec = proto.RESTXML{}
	if x.isControl() {
		return nil, "", awserr.NotImplemented("s3control " + x.http.Method + " " + x.http.URL.EscapedPath())
	}
	a := g.apis.buckets
	x.service = a.service
	if bucket, service := BucketHost(x.http.Host); bucket != "" && (service || x.signature != nil) {
		x.path = "/" + url.PathEscape(bucket) + x.path
	}
	if bucket, ok := strings.CutSuffix(x.path, "/"); ok && strings.Count(bucket, "/") == 1 && bucket != "/" {
		x.path = bucket
	}
	if strings.HasPrefix(x.http.Header.Get("Content-Type"), "multipart/form-data") && x.http.Method == http.MethodPost && x.query.Get("uploadId") == "" {
		return nil, "", awserr.NotImplemented(a.service.Name + " PostObject (uploads by HTML forms)")
	}
	name := a.route(x.http.Method, x.path, x.query, x.http.Header)
	switch {
	case name != "":
		return a, name, nil
	case x.http.Method == http.MethodOptions:
		return nil, "", awserr.New("AccessForbidden", http.StatusForbidden, "CORSResponse: CORS is not enabled for this bucket.")
	case !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete}, x.http.Method),
		x.http.Method != http.MethodGet && x.path == "/":
		return nil, "", awserr.New("MethodNotAllowed", http.StatusMethodNotAllowed, "The specified method is not allowed against this resource.")
	}
	return nil, "", awserr.New("InvalidRequest", http.StatusBadRequest, "The request does not fit an operation of this API.")
}
