package s3_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// code is the code of an API's error.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// The SDK signs every chunk of a body, and the checksum behind it.
func TestObject(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	content := strings.Repeat("0123456789", 30_000)
	key := "a/b c+d?/ü&=.txt"
	put, err := w.PutObject(t.Context(), &client.PutObjectInput{
		Bucket: new("bucket"), Key: &key, Body: strings.NewReader(content), ContentType: new("text/plain"), CacheControl: new("no-cache"),
		Metadata: map[string]string{"color": "red"}, Tagging: new("a=1&b=2"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`"%x"`, md5.Sum([]byte(content))); *put.ETag != want || put.ChecksumCRC64NVME == nil {
		t.Errorf("%s, want %s; %v", *put.ETag, want, put.ChecksumCRC64NVME)
	}
	get, err := w.GetObject(t.Context(), &client.GetObjectInput{Bucket: new("bucket"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(get.Body) // checks the checksum
	if err != nil || string(got) != content || *get.ContentType != "text/plain" || *get.CacheControl != "no-cache" || get.Metadata["color"] != "red" || *get.TagCount != 2 {
		t.Errorf("%d octets, %v, %+v", len(got), err, get)
	}
	head, err := w.HeadObject(t.Context(), &client.HeadObjectInput{Bucket: new("bucket"), Key: &key})
	if err != nil || *head.ContentLength != int64(len(content)) {
		t.Errorf("%+v, %v", head, err)
	}
	part, err := w.GetObject(t.Context(), &client.GetObjectInput{Bucket: new("bucket"), Key: &key, Range: new("bytes=-5")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(part.Body); err != nil || string(got) != "56789" || *part.ContentRange != "bytes 299995-299999/300000" {
		t.Errorf("%q, %v, %s", got, err, *part.ContentRange)
	}
}

func TestForeignSignature(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	for key, want := range map[[2]string]string{
		{"AKIDOWNER", "wrong"}: "SignatureDoesNotMatch", {"AKIDNOBODY", "secret"}: "InvalidAccessKeyId", {"AKIDOTHER", "secret"}: "AccessDenied",
	} {
		_, err := w.as(key[0], key[1], nil).PutObject(t.Context(), &client.PutObjectInput{Bucket: new("bucket"), Key: new("k"), Body: strings.NewReader("x")})
		if code(err) != want {
			t.Errorf("%v: %v, want %s", key, err, want)
		}
	}
}

func TestVirtualHosts(t *testing.T) {
	w := open(t)
	w.bucket(t, "my.bucket-1")
	for _, endpoint := range []string{"http://s3.localhost:4566", "http://s3.us-east-1.localhost:4566", "http://s3.us-east-1.amazonaws.com", "http://localhost:4566", "http://neargate.localhost:4566"} {
		c := w.as("AKIDOWNER", "secret", func(o *client.Options) { o.UsePathStyle, o.BaseEndpoint = false, &endpoint })
		key := "v2/" + endpoint
		if _, err := c.PutObject(t.Context(), &client.PutObjectInput{Bucket: new("my.bucket-1"), Key: &key, Body: strings.NewReader(endpoint)}); err != nil {
			t.Errorf("%s: %v", endpoint, err)
			continue
		}
		if got := w.get(t, "my.bucket-1", key); got != endpoint {
			t.Errorf("%s: %q", endpoint, got)
		}
	}
}

func TestConditionsOfReads(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	tag := w.put(t, "bucket", "k", "x").ETag
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for _, c := range []struct {
		in   client.GetObjectInput
		want string
	}{
		{client.GetObjectInput{IfMatch: tag}, "<nil>"},
		{client.GetObjectInput{IfMatch: new(`"x"`)}, "PreconditionFailed"},
		{client.GetObjectInput{IfNoneMatch: tag}, "NotModified"},
		{client.GetObjectInput{IfNoneMatch: new(`"x"`)}, "<nil>"},
		{client.GetObjectInput{IfModifiedSince: &future}, "NotModified"},
		{client.GetObjectInput{IfModifiedSince: &past}, "<nil>"},
		{client.GetObjectInput{IfUnmodifiedSince: &past}, "PreconditionFailed"},
		{client.GetObjectInput{IfMatch: tag, IfUnmodifiedSince: &past}, "<nil>"},
		{client.GetObjectInput{IfNoneMatch: new(`"x"`), IfModifiedSince: &future}, "<nil>"},
		{client.GetObjectInput{Range: new("bytes=5-")}, "InvalidRange"},
		{client.GetObjectInput{Range: new("bytes=2-1")}, "<nil>"},
		{client.GetObjectInput{Range: new("bytes=0-0,0-0")}, "<nil>"},
		{client.GetObjectInput{PartNumber: new(int32(2))}, "InvalidPartNumber"},
		{client.GetObjectInput{VersionId: new("nonsense")}, "NoSuchVersion"},
	} {
		c.in.Bucket, c.in.Key = new("bucket"), new("k")
		out, err := w.GetObject(t.Context(), &c.in)
		if got := code(err); got != c.want {
			t.Errorf("%+v: %s, want %s", c.in, got, c.want)
		}
		if err == nil {
			out.Body.Close()
		}
	}
}

func TestMultipart(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	for _, algorithm := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha256} {
		t.Run(string(algorithm), func(t *testing.T) {
			u, err := w.CreateMultipartUpload(t.Context(), &client.CreateMultipartUploadInput{Bucket: new("bucket"), Key: new("big"), ChecksumAlgorithm: algorithm})
			if err != nil {
				t.Fatal(err)
			}
			var parts []types.CompletedPart
			whole := bytes.Repeat([]byte("0123456789abcdef"), (11<<20)/16)
			for i, content := range slices.Collect(slices.Chunk(whole, 5<<20)) {
				p, err := w.UploadPart(t.Context(), &client.UploadPartInput{
					Bucket: new("bucket"), Key: new("big"), UploadId: u.UploadId, PartNumber: new(int32(i + 1)), Body: bytes.NewReader(content), ChecksumAlgorithm: algorithm,
				})
				if err != nil {
					t.Fatal(err)
				}
				parts = append(parts, types.CompletedPart{
					ETag: p.ETag, PartNumber: new(int32(i + 1)), ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC64NVME: p.ChecksumCRC64NVME, ChecksumSHA256: p.ChecksumSHA256,
				})
			}
			listed, err := w.ListParts(t.Context(), &client.ListPartsInput{Bucket: new("bucket"), Key: new("big"), UploadId: u.UploadId, MaxParts: new(int32(2))})
			if err != nil || len(listed.Parts) != 2 || !*listed.IsTruncated || *listed.NextPartNumberMarker != "2" {
				t.Errorf("%+v, %v", listed, err)
			}
			if _, err := w.CompleteMultipartUpload(t.Context(), &client.CompleteMultipartUploadInput{
				Bucket: new("bucket"), Key: new("big"), UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{parts[1], parts[0]}},
			}); code(err) != "InvalidPartOrder" {
				t.Errorf("%v", err)
			}
			done, err := w.CompleteMultipartUpload(t.Context(), &client.CompleteMultipartUploadInput{
				Bucket: new("bucket"), Key: new("big"), UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(*done.ETag, `-3"`) || w.get(t, "bucket", "big") != string(whole) {
				t.Errorf("%s", *done.ETag)
			}
		})
	}
}

func TestPresigned(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	w.put(t, "bucket", "k", "content")
	p := client.NewPresignClient(w.Client)
	get, err := p.PresignGetObject(t.Context(), &client.GetObjectInput{Bucket: new("bucket"), Key: new("k"), ResponseContentType: new("x/y")})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]int{
		get.URL: http.StatusOK, strings.Replace(get.URL, "/k?", "/l?", 1): http.StatusForbidden,
		strings.Replace(get.URL, "X-Amz-Expires=900", "X-Amz-Expires=604801", 1): http.StatusBadRequest,
	} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || resp.StatusCode != want {
			t.Errorf("%s: %d %s, %v", url, resp.StatusCode, body, err)
		}
		if want == http.StatusOK && (string(body) != "content" || resp.Header.Get("Content-Type") != "x/y") {
			t.Errorf("%q, %v", body, resp.Header)
		}
	}
	put, err := p.PresignPutObject(t.Context(), &client.PutObjectInput{Bucket: new("bucket"), Key: new("new")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(put.Method, put.URL, strings.NewReader("uploaded"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = put.SignedHeader
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode != http.StatusOK || w.get(t, "bucket", "new") != "uploaded" {
		t.Errorf("%s", resp.Status)
	}
}

func TestPolicyAndAnonymous(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	w.put(t, "bucket", "public/k", "x")
	w.put(t, "bucket", "private/k", "x")
	policy := `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/public/*"}}`
	put := func() error {
		_, err := w.PutBucketPolicy(t.Context(), &client.PutBucketPolicyInput{Bucket: new("bucket"), Policy: &policy})
		return err
	}
	if err := put(); code(err) != "AccessDenied" {
		t.Errorf("a public policy of a new bucket: %v", err)
	}
	if status, _ := w.plain(t, http.MethodGet, "/bucket/public/k", ""); status != http.StatusForbidden {
		t.Errorf("before: %d", status)
	}
	if _, err := w.DeletePublicAccessBlock(t.Context(), &client.DeletePublicAccessBlockInput{Bucket: new("bucket")}); err != nil {
		t.Fatal(err)
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/bucket/public/k": http.StatusOK, "/bucket/private/k": http.StatusForbidden, "/bucket": http.StatusForbidden, "/nobucket/k": http.StatusNotFound, "/": http.StatusNotFound,
	} {
		if status, body := w.plain(t, http.MethodGet, path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := w.plain(t, http.MethodGet, "/public/k", "", "Host", "bucket.s3.localhost"); status != http.StatusOK || body != "x" {
		t.Errorf("by host: %d %s", status, body)
	}
	other := w.as("AKIDOTHER", "secret", nil)
	if _, err := other.DeleteObject(t.Context(), &client.DeleteObjectInput{Bucket: new("bucket"), Key: new("public/k")}); code(err) != "AccessDenied" {
		t.Errorf("%v", err)
	}
	policy = `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}}`
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.GetObject(t.Context(), &client.GetObjectInput{Bucket: new("bucket"), Key: new("public/k")}); code(err) != "AccessDenied" {
		t.Errorf("denied to everybody: %v", err)
	}
	if _, err := w.DeleteBucketPolicy(t.Context(), &client.DeleteBucketPolicyInput{Bucket: new("bucket")}); err != nil {
		t.Errorf("the way back: %v", err)
	}
}

// Clients that are no SDK see S3's own errors, and bodies that are none of its are refused.
func TestWire(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	for _, c := range []struct {
		method, path, body string
		header             []string
		status             int
		want               string
	}{
		{"GET", "/none", "", nil, 404, "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>none</BucketName><RequestId>"},
		{"GET", "/bucket", "", []string{"Authorization", "AWS AKIDOWNER:c2lnbmF0dXJl", "Host", "s3.localhost"}, 400, "<Code>InvalidRequest</Code><Message>The authorization mechanism you have provided is not supported."},
		{"GET", "/bucket", "", []string{"Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x", "Host", "s3.localhost"}, 501, "<Code>NotImplemented</Code>"},
		{"POST", "/bucket", "--x", []string{"Content-Type", "multipart/form-data; boundary=x", "Host", "s3.localhost"}, 501, "PostObject"},
		{"PATCH", "/bucket/k", "", []string{"Host", "s3.localhost"}, 405, "<Code>MethodNotAllowed</Code>"},
		{"OPTIONS", "/bucket/k", "", []string{"Host", "s3.localhost"}, 403, "CORSResponse: CORS is not enabled for this bucket."},
		{"PUT", "/bucket?versioning", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", []string{"Host", "s3.localhost"}, 400, "<Code>MalformedXML</Code>"},
		{"PUT", "/bucket?tagging", "<Tagging>", []string{"Host", "s3.localhost"}, 400, "<Code>MalformedXML</Code>"},
		{"POST", "/bucket?delete", "<Delete/>", []string{"Host", "s3.localhost", "Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}, 400, "<Code>BadDigest</Code>"},
	} {
		if status, body := w.plain(t, c.method, c.path, c.body, c.header...); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}

func TestListPages(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	for i := range 25 {
		w.put(t, "bucket", fmt.Sprintf("d%02d/%s", i, "k"), "")
	}
	w.put(t, "bucket", "a\x01b\nc", "") // XML can't carry this one
	var keys []string
	pages := client.NewListObjectsV2Paginator(w.Client, &client.ListObjectsV2Input{Bucket: new("bucket"), Delimiter: new("/"), MaxKeys: new(int32(7)), EncodingType: types.EncodingTypeUrl})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Contents {
			keys = append(keys, *o.Key)
		}
		for _, c := range p.CommonPrefixes {
			keys = append(keys, *c.Prefix)
		}
	}
	if len(keys) != 26 || keys[0] != "a%01b%0Ac" || keys[25] != "d24/" {
		t.Errorf("%q", keys)
	}
	if _, err := w.ListObjectsV2(t.Context(), &client.ListObjectsV2Input{Bucket: new("bucket"), ContinuationToken: new("x")}); code(err) != "InvalidArgument" {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	w := open(t)
	for name, want := range map[string]string{
		"abc": "<nil>", "a.b-c9": "<nil>", "ab": "InvalidBucketName", "UPPER": "InvalidBucketName", "a..b": "InvalidBucketName", "-abc": "InvalidBucketName",
		"abc-": "InvalidBucketName", "192.168.5.4": "InvalidBucketName", "xn--abc": "InvalidBucketName", "abc-s3alias": "InvalidBucketName", "a_b": "InvalidBucketName",
	} {
		if _, err := w.CreateBucket(t.Context(), &client.CreateBucketInput{Bucket: &name}); code(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A client that goes away in the middle of an object holds nothing: its content can go.
func TestAbandonedDownload(t *testing.T) {
	w := open(t)
	w.bucket(t, "bucket")
	w.put(t, "bucket", "k", strings.Repeat("x", 8<<20))
	out, err := w.GetObject(t.Context(), &client.GetObjectInput{Bucket: new("bucket"), Key: new("k")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	out.Body.Close()
	if _, err := w.DeleteObject(t.Context(), &client.DeleteObjectInput{Bucket: new("bucket"), Key: new("k")}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(w.dir, "objects", "*", "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %v", files)
		}
	}
}
