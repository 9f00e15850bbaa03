package acm

import (
	"bytes"
	"context"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// DescribeCertificate tells all about a certificate but its content.
func (s *Service) DescribeCertificate(ctx context.Context, in *acmapi.DescribeCertificateInput) (*acmapi.DescribeCertificateOutput, error) {
	tx := s.store.View()
	c, err := s.certificate(tx, aws.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	return &acmapi.DescribeCertificateOutput{Certificate: s.detail(tx, c, aws.From(ctx).Now)}, nil
}

// GetCertificate reads a certificate and its chain.
func (s *Service) GetCertificate(ctx context.Context, in *acmapi.GetCertificateInput) (*acmapi.GetCertificateOutput, error) {
	c, err := s.issued(s.store.View(), aws.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	return &acmapi.GetCertificateOutput{Certificate: new(c.Body), CertificateChain: text(c.Chain)}, nil
}

// DeleteCertificate deletes a certificate that no load balancer uses.
func (s *Service) DeleteCertificate(ctx context.Context, in *acmapi.DeleteCertificateInput) (*acmapi.DeleteCertificateOutput, error) {
	call := aws.From(ctx)
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		c, err := s.certificate(tx, call, in.CertificateArn)
		if err != nil {
			return err
		}
		if len(s.engine.Users(tx, c)) > 0 {
			return acmapi.ErrResourceInUseException.New("Certificate %s in account %s is in use.", c.ARN, c.Account)
		}
		s.engine.Certificates.Delete(tx, c.ARN)
		return nil
	})
	return &acmapi.DeleteCertificateOutput{}, err
}

// ExportCertificate hands a certificate out with its key, encrypted.
func (s *Service) ExportCertificate(ctx context.Context, in *acmapi.ExportCertificateInput) (*acmapi.ExportCertificateOutput, error) {
	if !passable(in.Passphrase) {
		return nil, acmapi.ErrValidationException.New("The passphrase may contain any ASCII character except #, $, or %%.")
	}
	c, err := s.issued(s.store.View(), aws.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	if c.Type != cert.AmazonIssued || c.Export != acmapi.CertificateExportEnabled {
		return nil, acmapi.ErrValidationException.New("The certificate %s cannot be exported: it is not a private certificate, and Export is not ENABLED.", c.ARN)
	}
	key, err := c.EncryptedKey(in.Passphrase)
	if err != nil {
		return nil, err
	}
	out := &acmapi.ExportCertificateOutput{Certificate: new(c.Body), CertificateChain: text(c.Chain), PrivateKey: &key}
	_, err = change[struct{}](ctx, s, in.CertificateArn, func(_ *state.Tx, now *cert.Certificate) error {
		now.Exported = now.Exported || now.Key == c.Key // else it was renewed in between
		return nil
	})
	return out, err
}

func passable(passphrase []byte) bool {
	return !bytes.ContainsAny(passphrase, "#$%") && !bytes.ContainsFunc(passphrase, func(r rune) bool { return r > 0x7f })
}

// RenewCertificate has a certificate renewed before it is due.
func (s *Service) RenewCertificate(ctx context.Context, in *acmapi.RenewCertificateInput) (*acmapi.RenewCertificateOutput, error) {
	call := aws.From(ctx)
	return change[acmapi.RenewCertificateOutput](ctx, s, in.CertificateArn, func(tx *state.Tx, c *cert.Certificate) error {
		switch {
		case c.Status(call.Now) == cert.PendingValidation || c.Renewal.Status == cert.RenewalPending:
			return acmapi.ErrRequestInProgressException.New("The certificate %s is being issued or renewed.", c.ARN)
		case !s.engine.Renewable(tx, c, call.Now):
			return acmapi.ErrValidationException.New("The certificate %s is not eligible for renewal.", c.ARN)
		}
		c.Renewal = cert.Renewal{Status: cert.RenewalPending, At: call.Now.UTC()}
		return nil
	})
}

// UpdateCertificateOptions says whether a certificate should be logged publicly. Whether it can be exported is said once, when it is requested.
func (s *Service) UpdateCertificateOptions(ctx context.Context, in *acmapi.UpdateCertificateOptionsInput) (*acmapi.UpdateCertificateOptionsOutput, error) {
	return change[acmapi.UpdateCertificateOptionsOutput](ctx, s, in.CertificateArn, func(_ *state.Tx, c *cert.Certificate) error {
		switch {
		case c.Type != cert.AmazonIssued:
			return acmapi.ErrInvalidStateException.New("The certificate %s was imported and has no options.", c.ARN)
		case in.Options.Export != nil && *in.Options.Export != c.Export:
			return acmapi.ErrInvalidStateException.New("The Export option of the certificate %s cannot be changed after it was created.", c.ARN)
		}
		c.Transparency = orElse(in.Options.CertificateTransparencyLoggingPreference, c.Transparency)
		return nil
	})
}
