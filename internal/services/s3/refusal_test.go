package s3_test

import (
	"strings"
	"testing"

	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestRefusals are errors that tell sizes, and a key that no list could name.
func TestRefusals(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.bucket(t, "box")
	put := func(key string, metadata map[string]string) string {
		_, err := w.PutObject(ctx, &client.PutObjectInput{Bucket: new("box"), Key: &key, Metadata: metadata, Body: strings.NewReader("x")})
		return code(err)
	}
	if got := put(strings.Repeat("k", 1025), nil); got != "KeyTooLongError" {
		t.Errorf("a key of 1025 octets: %q", got)
	}
	if got := put("k", map[string]string{"a": strings.Repeat("v", 3000)}); got != "MetadataTooLarge" {
		t.Errorf("metadata of 3000 octets: %q", got)
	}
	if got := put("a\xffb", nil); got != "InvalidURI" {
		t.Errorf("a key that is not UTF-8: %q", got)
	}
	u, err := w.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: new("box"), Key: new("k")})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, "box", "source", "0123456789")
	for span, want := range map[string]string{"bytes=5-9": "<nil>", "bytes=5-10": "InvalidArgument", "bytes=-5": "InvalidArgument", "bytes=5-": "InvalidArgument", "bytes=+5-9": "InvalidArgument"} {
		_, err := w.UploadPartCopy(ctx, &client.UploadPartCopyInput{
			Bucket: u.Bucket, Key: u.Key, UploadId: u.UploadId, PartNumber: new(int32(3)), CopySource: new("box/source"), CopySourceRange: &span,
		})
		if got := code(err); got != want {
			t.Errorf("a part of %s of ten octets: %q", span, got)
		}
	}
	var parts []types.CompletedPart
	for n := int32(1); n <= 2; n++ {
		p, err := w.UploadPart(ctx, &client.UploadPartInput{Bucket: u.Bucket, Key: u.Key, UploadId: u.UploadId, PartNumber: &n, Body: strings.NewReader("x")})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: &n, ETag: p.ETag})
	}
	_, err = w.CompleteMultipartUpload(ctx, &client.CompleteMultipartUploadInput{
		Bucket: u.Bucket, Key: u.Key, UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if got := code(err); got != "EntityTooSmall" {
		t.Errorf("a first part of one octet: %q", got)
	}
}
