package acm

import (
	"context"
	"time"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// Service is the ACM front.
type Service struct {
	store  *state.Store
	engine *cert.Engine
	tokens *idem.Tokens
}

// tokenLife is how long idempotency tokens are remembered (ACM API Reference, RequestCertificate).
const tokenLife = time.Hour

// New returns the front over the engine.
func New(store *state.Store, engine *cert.Engine, tokens *idem.Tables) *Service {
	return &Service{
		store: store, engine: engine,
		tokens: tokens.Tokens(tokenLife, acmapi.ErrInvalidParameterException.New("The idempotency token was used with other parameters within the last hour.")),
	}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		acmapi.RequestCertificate.Bind(s.RequestCertificate),
		acmapi.ImportCertificate.Bind(s.ImportCertificate),
		acmapi.DescribeCertificate.Bind(s.DescribeCertificate),
		acmapi.GetCertificate.Bind(s.GetCertificate),
		acmapi.ListCertificates.Bind(s.ListCertificates),
		acmapi.DeleteCertificate.Bind(s.DeleteCertificate),
		acmapi.ExportCertificate.Bind(s.ExportCertificate),
		acmapi.RenewCertificate.Bind(s.RenewCertificate),
		acmapi.UpdateCertificateOptions.Bind(s.UpdateCertificateOptions),
		acmapi.ResendValidationEmail.Bind(s.ResendValidationEmail),
		acmapi.AddTagsToCertificate.Bind(s.AddTagsToCertificate),
		acmapi.RemoveTagsFromCertificate.Bind(s.RemoveTagsFromCertificate),
		acmapi.ListTagsForCertificate.Bind(s.ListTagsForCertificate),
		acmapi.GetAccountConfiguration.Bind(s.GetAccountConfiguration),
		acmapi.PutAccountConfiguration.Bind(s.PutAccountConfiguration),
	}
}

// certificate finds one of the caller's certificates.
func (s *Service) certificate(tx *state.Tx, call *aws.Call, certificateARN *string) (*cert.Certificate, error) {
	if a, err := arn.Parse(*certificateARN); err != nil || a.Kind() != "certificate" {
		return nil, acmapi.ErrInvalidArnException.New("Invalid ARN '%s'", *certificateARN)
	}
	c, ok := s.engine.Certificate(tx, call.Account, call.Region, *certificateARN)
	if !ok {
		return nil, acmapi.ErrResourceNotFoundException.New("Could not find certificate %s in account %s.", *certificateARN, call.Account)
	}
	return c, nil
}

// issued finds one of the caller's certificates that has been issued.
func (s *Service) issued(tx *state.Tx, call *aws.Call, certificateARN *string) (*cert.Certificate, error) {
	c, err := s.certificate(tx, call, certificateARN)
	switch {
	case err != nil:
		return nil, err
	case c.Status(call.Now) == cert.Failed:
		return nil, acmapi.ErrResourceNotFoundException.New("The certificate %s has failed and has no content.", c.ARN)
	case c.Body == "":
		return nil, acmapi.ErrRequestInProgressException.New("The certificate %s has not been issued yet.", c.ARN)
	}
	return c, nil
}

// change changes a copy of a certificate and writes it.
func change[O any](ctx context.Context, s *Service, certificateARN *string, fn func(tx *state.Tx, c *cert.Certificate) error) (*O, error) {
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		have, err := s.certificate(tx, aws.From(ctx), certificateARN)
		if err != nil {
			return err
		}
		c := *have
		if err := fn(tx, &c); err != nil {
			return err
		}
		s.engine.Certificates.Put(tx, &c)
		return nil
	})
	return new(O), err
}
