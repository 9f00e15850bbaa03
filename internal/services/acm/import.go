package acm

import (
	"context"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// ImportCertificate takes a certificate in, or puts it in the place of one imported before.
func (s *Service) ImportCertificate(ctx context.Context, in *acmapi.ImportCertificateInput) (*acmapi.ImportCertificateOutput, error) {
	call := aws.From(ctx)
	if in.CertificateArn != nil && in.Tags != nil {
		return nil, acmapi.ErrValidationException.New("Tagging is not permitted on re-import.")
	}
	given, err := tagged(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	m, leaf, err := cert.Parse(in.Certificate, in.PrivateKey, in.CertificateChain, call.Now)
	if err != nil {
		return nil, acmapi.ErrValidationException.New("%s", err)
	}
	var c *cert.Certificate
	err = s.store.Update(ctx, func(tx *state.Tx) error {
		if in.CertificateArn == nil {
			c = s.engine.Import(tx, call.Account, call.Region, m, leaf, given, call.Now)
			return nil
		}
		old, err := s.imported(tx, call, *in.CertificateArn)
		if err != nil {
			return err
		}
		if why := cert.Replaceable(old, m, leaf); why != "" {
			return acmapi.ErrValidationException.New("%s", why)
		}
		c = s.engine.Reimport(tx, old, m, leaf, call.Now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &acmapi.ImportCertificateOutput{CertificateArn: &c.ARN}, nil
}

func (s *Service) imported(tx *state.Tx, call *aws.Call, certificateARN string) (*cert.Certificate, error) {
	c, ok := s.engine.Certificate(tx, call.Account, call.Region, certificateARN)
	switch {
	case !ok:
		return nil, acmapi.ErrResourceNotFoundException.New("Could not find certificate %s.", certificateARN)
	case c.Type != cert.Imported:
		return nil, acmapi.ErrValidationException.New("The certificate %s was not imported and cannot be reimported.", certificateARN)
	}
	return c, nil
}
