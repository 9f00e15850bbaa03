package iam

import (
	"context"
	"errors"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// maxServerCertificates is the highest that IAM's quota of server certificates can be raised to.
const maxServerCertificates = 1000

func (s *Service) serverCertificate(tx *state.Tx, account string, name *string) (*cert.Server, error) {
	c, ok := s.certificates.Server(tx, account, *name)
	if !ok || c.Name != *name {
		return nil, iamapi.ErrNoSuchEntityException.New("The Server Certificate with name %s cannot be found.", *name)
	}
	return c, nil
}

// changeServerCertificate changes a copy of a server certificate and writes it.
func changeServerCertificate[O any](ctx context.Context, s *Service, name *string, fn func(tx *state.Tx, c *cert.Server) error) (*O, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *O) error {
		have, err := s.serverCertificate(tx, account, name)
		if err != nil {
			return err
		}
		c := *have
		if err := fn(tx, &c); err != nil {
			return err
		}
		s.certificates.Servers.Put(tx, &c)
		return nil
	})
}

// serverNameFree wants a name that no server certificate but one has, in any case.
func (s *Service) serverNameFree(tx *state.Tx, account, name, except string) error {
	if c, ok := s.certificates.Server(tx, account, name); ok && c.ID != except {
		return iamapi.ErrEntityAlreadyExistsException.New("The Server Certificate with name %s already exists.", name)
	}
	return nil
}

func serverARN(account, path, name string) string {
	return arn.New("iam", "", account, "server-certificate"+path+name)
}

func serverMetadata(c *cert.Server) *iamapi.ServerCertificateMetadata {
	return &iamapi.ServerCertificateMetadata{
		ServerCertificateName: new(c.Name), ServerCertificateId: new(c.ID), Path: new(c.Path), Arn: new(c.ARN),
		UploadDate: new(c.Uploaded), Expiration: new(c.NotAfter),
	}
}

// UploadServerCertificate takes in a certificate with its key.
func (s *Service) UploadServerCertificate(ctx context.Context, in *iamapi.UploadServerCertificateInput) (*iamapi.UploadServerCertificateOutput, error) {
	call := aws.From(ctx)
	m, leaf, err := cert.Parse([]byte(*in.CertificateBody), []byte(*in.PrivateKey), []byte(aws.Val(in.CertificateChain)), call.Now)
	if err != nil {
		return nil, malformed(err)
	}
	given, err := tagged(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	path := pathOr(in.Path)
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.UploadServerCertificateOutput) error {
		if err := s.serverNameFree(tx, account, *in.ServerCertificateName, ""); err != nil {
			return err
		}
		if s.countServerCertificates(tx, account) >= maxServerCertificates {
			return iamapi.ErrLimitExceededException.New("Cannot exceed quota for ServerCertificatesPerAccount: %d", maxServerCertificates)
		}
		c := &cert.Server{
			ID: policy.NewID("ASCA"), Account: account, Name: *in.ServerCertificateName, Path: path, ARN: serverARN(account, path, *in.ServerCertificateName),
			Uploaded: call.Now.UTC(), Tags: given, Material: *m, KeyAlgorithm: cert.KeyAlgorithm(leaf), NotAfter: leaf.NotAfter.UTC(),
		}
		s.certificates.Servers.Put(tx, c)
		out.ServerCertificateMetadata, out.Tags = serverMetadata(c), tagList(c.Tags)
		return nil
	})
}

// malformed names what is wrong with a certificate as IAM does.
func malformed(err error) error {
	var f *cert.FaultError
	switch {
	case !errors.As(err, &f):
		return err
	case f.Fault == cert.WrongKey:
		return iamapi.ErrKeyPairMismatchException.New("%s", f)
	}
	return iamapi.ErrMalformedCertificateException.New("%s", f)
}

func (s *Service) countServerCertificates(tx *state.Tx, account string) (n int) {
	for range s.certificates.ServersOf(tx, account) {
		n++
	}
	return n
}

// GetServerCertificate reads a server certificate, but for its key.
func (s *Service) GetServerCertificate(ctx context.Context, in *iamapi.GetServerCertificateInput) (*iamapi.GetServerCertificateOutput, error) {
	c, err := s.serverCertificate(s.store.View(), aws.From(ctx).Account, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	// Without a last newline, as IAM has it: Terraform replaces what differs from its trimmed file.
	out := &iamapi.ServerCertificate{ServerCertificateMetadata: serverMetadata(c), CertificateBody: new(strings.TrimSpace(c.Body)), Tags: tagList(c.Tags)}
	if c.Chain != "" {
		out.CertificateChain = new(strings.TrimSpace(c.Chain))
	}
	return &iamapi.GetServerCertificateOutput{ServerCertificate: out}, nil
}

// ListServerCertificates lists server certificates below a path.
func (s *Service) ListServerCertificates(ctx context.Context, in *iamapi.ListServerCertificatesInput) (*iamapi.ListServerCertificatesOutput, error) {
	var list []iamapi.ServerCertificateMetadata
	for c := range s.certificates.ServersOf(s.store.View(), aws.From(ctx).Account) {
		if strings.HasPrefix(c.Path, aws.Val(in.PathPrefix)) {
			list = append(list, *serverMetadata(c))
		}
	}
	out := &iamapi.ListServerCertificatesOutput{}
	var err error
	out.ServerCertificateMetadataList, out.IsTruncated, out.Marker, err = listed(list,
		func(m iamapi.ServerCertificateMetadata) string { return *m.ServerCertificateName }, in.Marker, in.MaxItems)
	return out, err
}

// UpdateServerCertificate renames a server certificate, and so gives it another ARN. Listeners that have it keep it, and show that ARN.
func (s *Service) UpdateServerCertificate(ctx context.Context, in *iamapi.UpdateServerCertificateInput) (*iamapi.UpdateServerCertificateOutput, error) {
	return changeServerCertificate[iamapi.UpdateServerCertificateOutput](ctx, s, in.ServerCertificateName, func(tx *state.Tx, c *cert.Server) error {
		if in.NewServerCertificateName != nil {
			if err := s.serverNameFree(tx, c.Account, *in.NewServerCertificateName, c.ID); err != nil {
				return err
			}
			c.Name = *in.NewServerCertificateName
		}
		if in.NewPath != nil {
			c.Path = *in.NewPath
		}
		s.certificates.RenameServer(tx, c, serverARN(c.Account, c.Path, c.Name))
		return nil
	})
}

// DeleteServerCertificate deletes a server certificate that no load balancer uses.
func (s *Service) DeleteServerCertificate(ctx context.Context, in *iamapi.DeleteServerCertificateInput) (*iamapi.DeleteServerCertificateOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *iamapi.DeleteServerCertificateOutput) error {
		c, err := s.serverCertificate(tx, account, in.ServerCertificateName)
		if err != nil {
			return err
		}
		if users := s.certificates.ServerUsers(tx, c); len(users) > 0 {
			return iamapi.ErrDeleteConflictException.New("Certificate: %s is currently in use by %s. Please remove it first before deleting it from IAM.", c.ID, users[0])
		}
		s.certificates.Servers.Delete(tx, c.ID)
		return nil
	})
}

// TagServerCertificate adds or replaces tags.
func (s *Service) TagServerCertificate(ctx context.Context, in *iamapi.TagServerCertificateInput) (*iamapi.TagServerCertificateOutput, error) {
	return changeServerCertificate[iamapi.TagServerCertificateOutput](ctx, s, in.ServerCertificateName, func(_ *state.Tx, c *cert.Server) (err error) {
		c.Tags, err = tagged(c.Tags, in.Tags)
		return err
	})
}

// UntagServerCertificate removes tags.
func (s *Service) UntagServerCertificate(ctx context.Context, in *iamapi.UntagServerCertificateInput) (*iamapi.UntagServerCertificateOutput, error) {
	return changeServerCertificate[iamapi.UntagServerCertificateOutput](ctx, s, in.ServerCertificateName, func(_ *state.Tx, c *cert.Server) error {
		c.Tags = tags.Without(c.Tags, in.TagKeys)
		return nil
	})
}

// ListServerCertificateTags lists a server certificate's tags by key.
func (s *Service) ListServerCertificateTags(ctx context.Context, in *iamapi.ListServerCertificateTagsInput) (*iamapi.ListServerCertificateTagsOutput, error) {
	c, err := s.serverCertificate(s.store.View(), aws.From(ctx).Account, in.ServerCertificateName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListServerCertificateTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = listed(tagList(c.Tags), tagName, in.Marker, in.MaxItems)
	return out, err
}
