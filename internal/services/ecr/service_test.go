package ecr

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
)

const account = "000000000000"

func open(t *testing.T) (*Service, context.Context) {
	t.Helper()
	schema := state.NewSchema()
	tables := registry.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r, err := registry.Open(store, tables, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	place := registry.Place{Endpoint: "127.0.0.1:4566", Account: account, Region: "us-east-1"}
	return New(store, tables, r, place), aws.With(t.Context(), &aws.Call{Account: account, Region: "us-east-1", Now: time.Now()})
}

func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	got := ""
	var e *awserr.Error
	if errors.As(err, &e) {
		got = e.Code
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

// upload puts a layer in parts and returns its digest.
func upload(t *testing.T, s *Service, ctx context.Context, parts ...string) string {
	t.Helper()
	up, err := s.InitiateLayerUpload(ctx, &ecrapi.InitiateLayerUploadInput{RepositoryName: new("app")})
	if err != nil {
		t.Fatal(err)
	}
	at := int64(0)
	for _, p := range parts {
		_, err := s.UploadLayerPart(ctx, &ecrapi.UploadLayerPartInput{
			RepositoryName: new("app"), UploadId: up.UploadId,
			PartFirstByte: new(at), PartLastByte: new(at + int64(len(p)) - 1), LayerPartBlob: []byte(p),
		})
		if err != nil {
			t.Fatal(err)
		}
		at += int64(len(p))
	}
	digest := registry.DigestOf([]byte(strings.Join(parts, "")))
	if _, err := s.CompleteLayerUpload(ctx, &ecrapi.CompleteLayerUploadInput{RepositoryName: new("app"), UploadId: up.UploadId, LayerDigests: []string{digest}}); err != nil {
		t.Fatal(err)
	}
	return digest
}

func manifest(t *testing.T, config, layer string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
		"layers": []any{map[string]any{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer, "size": 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImageLife(t *testing.T) {
	s, ctx := open(t)
	made, err := s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("app")})
	if err != nil {
		t.Fatal(err)
	}
	if got := *made.Repository.RepositoryUri; got != "127.0.0.1:4566/app" {
		t.Errorf("uri %s", got)
	}
	_, err = s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("app")})
	want(t, "again", err, "RepositoryAlreadyExistsException")

	layer := upload(t, s, ctx, "hello ", "layer")
	text := manifest(t, registry.DigestOf([]byte("{}")), layer)
	put := &ecrapi.PutImageInput{RepositoryName: new("app"), ImageManifest: &text, ImageTag: new("v1")}
	_, err = s.PutImage(ctx, put)
	want(t, "an image without its config", err, "LayersNotFoundException")
	upload(t, s, ctx, "{}")
	_, err = s.PutImage(ctx, put)
	want(t, "put", err, "")
	_, err = s.PutImage(ctx, put)
	want(t, "put again", err, "ImageAlreadyExistsException")
	put.ImageTag = new("v2")
	_, err = s.PutImage(ctx, put)
	want(t, "another tag", err, "")

	details, err := s.DescribeImages(ctx, &ecrapi.DescribeImagesInput{RepositoryName: new("app"), ImageIds: []ecrapi.ImageIdentifier{{ImageTag: new("v1")}}})
	if err != nil || len(details.ImageDetails) != 1 || len(details.ImageDetails[0].ImageTags) != 2 || *details.ImageDetails[0].ImageSizeInBytes != 10 {
		t.Errorf("%+v, %v", details, err)
	}
	_, err = s.DescribeImages(ctx, &ecrapi.DescribeImagesInput{RepositoryName: new("app"), ImageIds: []ecrapi.ImageIdentifier{{ImageTag: new("none")}}})
	want(t, "describe none", err, "ImageNotFoundException")
	_, err = s.DeleteRepository(ctx, &ecrapi.DeleteRepositoryInput{RepositoryName: new("app")})
	want(t, "delete with images", err, "RepositoryNotEmptyException")

	for _, c := range []struct {
		id            ecrapi.ImageIdentifier
		gone, failure int
	}{
		{ecrapi.ImageIdentifier{ImageTag: new("v1")}, 1, 0},
		{ecrapi.ImageIdentifier{ImageTag: new("v1")}, 0, 1},
		{ecrapi.ImageIdentifier{}, 0, 1},
		{ecrapi.ImageIdentifier{ImageTag: new("v2")}, 1, 0},
	} {
		out, err := s.BatchDeleteImage(ctx, &ecrapi.BatchDeleteImageInput{RepositoryName: new("app"), ImageIds: []ecrapi.ImageIdentifier{c.id}})
		if err != nil || len(out.ImageIds) != c.gone || len(out.Failures) != c.failure {
			t.Errorf("%+v: %+v, %v", c.id, out, err)
		}
	}
	available, err := s.BatchCheckLayerAvailability(ctx, &ecrapi.BatchCheckLayerAvailabilityInput{RepositoryName: new("app"), LayerDigests: []string{layer, "nonsense"}})
	if err != nil || len(available.Failures) != 1 || *available.Layers[0].LayerAvailability != "UNAVAILABLE" {
		t.Errorf("after the last tag went: %+v, %v", available, err)
	}
	_, err = s.DeleteRepository(ctx, &ecrapi.DeleteRepositoryInput{RepositoryName: new("app")})
	want(t, "delete", err, "")
	_, err = s.DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesInput{RepositoryNames: []string{"app"}})
	want(t, "describe after delete", err, "RepositoryNotFoundException")
}

func TestRefusals(t *testing.T) {
	s, ctx := open(t)
	_, err := s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("k"), EncryptionConfiguration: &ecrapi.EncryptionConfiguration{EncryptionType: new("KMS")}})
	want(t, "KMS", err, "NotImplemented")
	_, err = s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("111111111111/us-east-1/x")})
	want(t, "another account's place", err, "InvalidParameterException")
	_, err = s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("k"), ImageTagMutability: new("IMMUTABLE_WITH_EXCLUSION")})
	want(t, "exclusion without filters", err, "InvalidParameterException")
	_, err = s.TagResource(ctx, &ecrapi.TagResourceInput{ResourceArn: new("nonsense"), Tags: []ecrapi.Tag{{Key: new("a"), Value: new("b")}}})
	want(t, "no arn", err, "InvalidParameterException")
}

// TestOtherAccounts: a registry is its account's own, except for what a repository's policy grants.
func TestOtherAccounts(t *testing.T) {
	s, ctx := open(t)
	if _, err := s.CreateRepository(ctx, &ecrapi.CreateRepositoryInput{RepositoryName: new("app")}); err != nil {
		t.Fatal(err)
	}
	as := func(operation string) context.Context {
		return aws.With(t.Context(), &aws.Call{
			Account: "111111111111", Principal: "arn:aws:iam::111111111111:user/eve", Region: "us-east-1", Operation: operation, Now: time.Now(),
		})
	}
	list := func() error {
		_, err := s.ListImages(as("ListImages"), &ecrapi.ListImagesInput{RegistryId: new(account), RepositoryName: new("app")})
		return err
	}
	remove := func(name string) error {
		_, err := s.DeleteRepository(as("DeleteRepository"), &ecrapi.DeleteRepositoryInput{RegistryId: new(account), RepositoryName: &name, Force: new(true)})
		return err
	}
	want(t, "list", list(), "AccessDeniedException")
	want(t, "delete", remove("app"), "AccessDeniedException")
	want(t, "delete what is not there", remove("none"), "AccessDeniedException")
	_, err := s.DescribeRepositories(as("DescribeRepositories"), &ecrapi.DescribeRepositoriesInput{RegistryId: new(account)})
	want(t, "describe all", err, "AccessDeniedException")
	_, err = s.InitiateLayerUpload(as("InitiateLayerUpload"), &ecrapi.InitiateLayerUploadInput{RegistryId: new(account), RepositoryName: new("app")})
	want(t, "upload", err, "AccessDeniedException")

	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "ecr:List*"}]}`
	if _, err := s.SetRepositoryPolicy(ctx, &ecrapi.SetRepositoryPolicyInput{RepositoryName: new("app"), PolicyText: new(policy)}); err != nil {
		t.Fatal(err)
	}
	want(t, "list with a policy", list(), "")
	want(t, "delete with a policy", remove("app"), "AccessDeniedException")
	_, err = s.DescribeRepositories(ctx, &ecrapi.DescribeRepositoriesInput{RegistryId: new(account), RepositoryNames: []string{"app"}})
	want(t, "describe one's own", err, "")
}

func TestAuthorizationToken(t *testing.T) {
	s, ctx := open(t)
	out, err := s.GetAuthorizationToken(ctx, &ecrapi.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	user, password, _ := strings.Cut(string(raw), ":")
	if err != nil || user != "AWS" {
		t.Fatalf("%s, %v", raw, err)
	}
	if got, err := s.registry.Verify(ctx, password); err != nil || got != account {
		t.Errorf("the password is of %s, %v", got, err)
	}
}
