package s3_test

import (
	"net/http"
	"testing"

	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestAccessToVersions: every version of an object has an access control list of its own.
func TestAccessToVersions(t *testing.T) {
	w, ctx := open(t), t.Context()
	if _, err := w.CreateBucket(ctx, &client.CreateBucketInput{Bucket: new("box"), ObjectOwnership: types.ObjectOwnershipObjectWriter}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeletePublicAccessBlock(ctx, &client.DeletePublicAccessBlockInput{Bucket: new("box")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutBucketVersioning(ctx, &client.PutBucketVersioningInput{
		Bucket: new("box"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	put := func(key string) (id string) { return *w.put(t, "box", key, "x").VersionId }
	share := func(key, id string) {
		if _, err := w.PutObjectAcl(ctx, &client.PutObjectAclInput{
			Bucket: new("box"), Key: &key, VersionId: &id, GrantRead: new(`uri="http://acs.amazonaws.com/groups/global/AllUsers"`),
			GrantReadACP: new(`uri="http://acs.amazonaws.com/groups/global/AllUsers"`),
		}); err != nil {
			t.Fatal(err)
		}
	}
	shared, hidden := put("hidden"), put("hidden")
	share("hidden", shared)
	older, newer := put("shared"), put("shared")
	share("shared", newer)
	for path, want := range map[string]int{
		"/box/hidden":                             http.StatusForbidden,
		"/box/hidden?versionId=" + hidden:         http.StatusForbidden,
		"/box/hidden?versionId=" + shared:         http.StatusOK,
		"/box/hidden?acl&versionId=" + shared:     http.StatusOK,
		"/box/hidden?acl":                         http.StatusForbidden,
		"/box/hidden?tagging&versionId=" + shared: http.StatusForbidden, // no list grants that
		"/box/shared":                             http.StatusOK,
		"/box/shared?versionId=" + newer:          http.StatusOK,
		"/box/shared?versionId=" + older:          http.StatusForbidden,
		"/box/shared?versionId=none":              http.StatusForbidden,
	} {
		if status, body := w.plain(t, http.MethodGet, path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	copied := func(source string) error {
		_, err := w.as("AKIDOTHER", "secret", nil).CopyObject(ctx, &client.CopyObjectInput{Bucket: new("other"), Key: new("k"), CopySource: &source})
		return err
	}
	if _, err := w.as("AKIDOTHER", "secret", nil).CreateBucket(ctx, &client.CreateBucketInput{Bucket: new("other")}); err != nil {
		t.Fatal(err)
	}
	if err := copied("box/shared?versionId=" + older); code(err) != "AccessDenied" {
		t.Errorf("a copy of a version that is not shared: %v", err)
	}
	if err := copied("box/hidden?versionId=" + shared); err != nil {
		t.Errorf("a copy of a version that is shared: %v", err)
	}
}
