package iam

import (
	"context"
	"strings"
	"testing"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/cert/certtest"
)

func upload(ctx context.Context, s *Service, name, path string, p certtest.Pair) (*iamapi.UploadServerCertificateOutput, error) {
	return s.UploadServerCertificate(ctx, &iamapi.UploadServerCertificateInput{
		ServerCertificateName: &name, Path: &path, CertificateBody: new(p.Body()), PrivateKey: new(p.Key()), Tags: []iamapi.Tag{{Key: new("a"), Value: new("1")}},
	})
}

func TestServerCertificateLife(t *testing.T) {
	s, ctx, users := openWith(t)
	one, two := certtest.SelfSigned(t, "www.example.com"), certtest.SelfSigned(t, "api.example.com")
	made, err := upload(ctx, s, "web", "/prod/", one)
	if err != nil {
		t.Fatal(err)
	}
	m := made.ServerCertificateMetadata
	if *m.Arn != "arn:aws:iam::"+account+":server-certificate/prod/web" || !strings.HasPrefix(*m.ServerCertificateId, "ASCA") || !m.Expiration.Equal(one.Certificate.NotAfter) {
		t.Errorf("made %+v", m)
	}
	_, err = upload(ctx, s, "WEB", "/", two)
	want(t, "the same name in another case", err, "EntityAlreadyExists")
	_, err = s.UploadServerCertificate(ctx, &iamapi.UploadServerCertificateInput{ServerCertificateName: new("mixed"), CertificateBody: new(one.Body()), PrivateKey: new(two.Key())})
	want(t, "another's key", err, "KeyPairMismatch")
	_, err = s.UploadServerCertificate(ctx, &iamapi.UploadServerCertificateInput{ServerCertificateName: new("mixed"), CertificateBody: new("x"), PrivateKey: new(two.Key())})
	want(t, "no certificate", err, "MalformedCertificate")
	if _, err := upload(ctx, s, "api", "/", two); err != nil {
		t.Fatal(err)
	}

	got, err := s.GetServerCertificate(ctx, &iamapi.GetServerCertificateInput{ServerCertificateName: new("web")})
	if err != nil || *got.ServerCertificate.CertificateBody != strings.TrimSpace(one.Body()) || got.ServerCertificate.CertificateChain != nil || len(got.ServerCertificate.Tags) != 1 {
		t.Errorf("read %v %+v", err, got)
	}
	list, err := s.ListServerCertificates(ctx, &iamapi.ListServerCertificatesInput{PathPrefix: new("/prod/")})
	if err != nil || len(list.ServerCertificateMetadataList) != 1 || *list.ServerCertificateMetadataList[0].ServerCertificateName != "web" {
		t.Errorf("listed %v %+v", err, list)
	}
	_, err = s.UpdateServerCertificate(ctx, &iamapi.UpdateServerCertificateInput{ServerCertificateName: new("web"), NewServerCertificateName: new("Api")})
	want(t, "another's name", err, "EntityAlreadyExists")
	users[*m.Arn] = []string{"arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/a/b"}
	if _, err = s.UpdateServerCertificate(ctx, &iamapi.UpdateServerCertificateInput{ServerCertificateName: new("web"), NewServerCertificateName: new("Web"), NewPath: new("/")}); err != nil {
		t.Fatal(err)
	}
	_, err = s.GetServerCertificate(ctx, &iamapi.GetServerCertificateInput{ServerCertificateName: new("web")})
	want(t, "its former name", err, "NoSuchEntity")
	renamed, err := s.GetServerCertificate(ctx, &iamapi.GetServerCertificateInput{ServerCertificateName: new("Web")})
	if err != nil || *renamed.ServerCertificate.ServerCertificateMetadata.ServerCertificateId != *m.ServerCertificateId {
		t.Errorf("renamed %v %+v", err, renamed)
	}
	arn := *renamed.ServerCertificate.ServerCertificateMetadata.Arn
	if chain, _, ok := s.certificates.KeyPair(s.store.View(), arn); !ok || chain != one.Body() || len(users[arn]) != 1 || len(users[*m.Arn]) != 0 {
		t.Errorf("users after the renaming to %s: %v", arn, users)
	}

	if _, err = s.TagServerCertificate(ctx, &iamapi.TagServerCertificateInput{ServerCertificateName: new("Web"), Tags: []iamapi.Tag{{Key: new("b"), Value: new("2")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err = s.UntagServerCertificate(ctx, &iamapi.UntagServerCertificateInput{ServerCertificateName: new("Web"), TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := s.ListServerCertificateTags(ctx, &iamapi.ListServerCertificateTagsInput{ServerCertificateName: new("Web")})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Errorf("tags %v %+v", err, tags)
	}
	summary, err := s.GetAccountSummary(ctx, &iamapi.GetAccountSummaryInput{})
	if err != nil || summary.SummaryMap["ServerCertificates"] != 2 {
		t.Errorf("summary %v %v", err, summary)
	}

	remove := &iamapi.DeleteServerCertificateInput{ServerCertificateName: new("Web")}
	_, err = s.DeleteServerCertificate(ctx, remove)
	want(t, "in use since before the renaming", err, "DeleteConflict")
	delete(users, arn)
	_, err = s.DeleteServerCertificate(ctx, remove)
	want(t, "delete", err, "")
	_, err = s.DeleteServerCertificate(ctx, remove)
	want(t, "delete again", err, "NoSuchEntity")
}
