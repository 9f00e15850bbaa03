package s3_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
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

// TestLargeCopies: more than 5 GiB are copied in several parts or not at all, but never cut short.
func TestLargeCopies(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.bucket(t, "box")
	w.put(t, "box", "source", "x")
	rows, err := sqlite.OpenConn(filepath.Join(w.dir, "objects.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	// The size is all that is looked at, and the disk need not have it.
	err = sqlitex.ExecuteTransient(rows, "UPDATE version SET size = 6 << 30, content = replace(content, ':1}', ':6442450944}')", nil)
	if closing := rows.Close(); err != nil || closing != nil {
		t.Fatal(err, closing)
	}
	_, err = w.CopyObject(ctx, &client.CopyObjectInput{Bucket: new("box"), Key: new("copy"), CopySource: new("box/source")})
	if got := code(err); got != "InvalidRequest" {
		t.Errorf("a copy of 6 GiB: %v", err)
	}
	u, err := w.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: new("box"), Key: new("copy")})
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range []*string{nil, new("bytes=0-6442450943"), new("bytes=1-5368709121")} {
		_, err := w.UploadPartCopy(ctx, &client.UploadPartCopyInput{
			Bucket: u.Bucket, Key: u.Key, UploadId: u.UploadId, PartNumber: new(int32(1)), CopySource: new("box/source"), CopySourceRange: span,
		})
		if got := code(err); got != "InvalidRequest" || !strings.Contains(err.Error(), "maximum allowable size for a copy source: 5368709120") {
			t.Errorf("a part of more than 5 GiB: %v", err)
		}
	}
	if _, err := w.UploadPartCopy(ctx, &client.UploadPartCopyInput{
		Bucket: u.Bucket, Key: u.Key, UploadId: u.UploadId, PartNumber: new(int32(1)), CopySource: new("box/source"), CopySourceRange: new("bytes=0-0"),
	}); err != nil {
		t.Errorf("a part of one octet of 6 GiB: %v", err)
	}
}

// TestManyDays: a lifecycle may have more days than a Duration.
func TestManyDays(t *testing.T) {
	w, ctx := open(t), t.Context()
	w.bucket(t, "box")
	if _, err := w.PutBucketLifecycleConfiguration(ctx, &client.PutBucketLifecycleConfigurationInput{
		Bucket: new("box"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: new("late"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{}, Expiration: &types.LifecycleExpiration{Days: new(int32(999_999))},
		}}},
	}); err != nil {
		t.Fatal(err)
	}
	out := w.put(t, "box", "k", "x")
	if out.Expiration == nil || !strings.Contains(*out.Expiration, " 47") || !strings.Contains(*out.Expiration, `rule-id="late"`) {
		t.Errorf("expires %v", aws.ToString(out.Expiration))
	}
}
