package acm

import (
	"context"
	"slices"
	"strings"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// maxCommonName is the length of the longest first name: it is the certificate's common name (RFC 5280).
const maxCommonName = 64

// requestable are the key algorithms of certificates that ACM issues; the others are for imported ones.
var requestable = []string{cert.RSA2048, cert.P256, cert.P384}

// RequestCertificate asks for a certificate. It is issued a moment later: no domain is looked at.
func (s *Service) RequestCertificate(ctx context.Context, in *acmapi.RequestCertificateInput) (*acmapi.RequestCertificateOutput, error) {
	call := aws.From(ctx)
	switch {
	case in.CertificateAuthorityArn != nil:
		return nil, awserr.NotImplemented("CertificateAuthorityArn (AWS Private CA)")
	case in.ManagedBy != nil:
		return nil, awserr.NotImplemented("ManagedBy " + *in.ManagedBy)
	case aws.Val(in.ValidationMethod) == acmapi.ValidationMethodHttp:
		return nil, awserr.NotImplemented("ValidationMethod HTTP, which is for CloudFront,")
	}
	c := cert.Certificate{
		Account: call.Account, Region: call.Region, Domain: *in.DomainName, Names: in.SubjectAlternativeNames,
		KeyAlgorithm: orElse(in.KeyAlgorithm, cert.RSA2048), ValidationMethod: orElse(in.ValidationMethod, acmapi.ValidationMethodEmail),
		Transparency: acmapi.CertificateTransparencyLoggingPreferenceEnabled, Export: acmapi.CertificateExportDisabled,
	}
	if o := in.Options; o != nil {
		c.Transparency, c.Export = orElse(o.CertificateTransparencyLoggingPreference, c.Transparency), orElse(o.Export, c.Export)
	}
	if !slices.Contains(requestable, c.KeyAlgorithm) {
		return nil, acmapi.ErrValidationException.New("Encryption Algorithm %s is not supported in %s region", c.KeyAlgorithm, call.Region)
	}
	if len(c.Domain) > maxCommonName {
		return nil, acmapi.ErrInvalidDomainValidationOptionsException.New("The first domain name can be no longer than %d characters.", maxCommonName)
	}
	var err error
	if c.ValidationDomains, err = validationDomains(in); err != nil {
		return nil, err
	}
	if c.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	var out *acmapi.RequestCertificateOutput
	err = s.store.Update(ctx, func(tx *state.Tx) (err error) {
		out, err = idem.Do(tx, s.tokens, call, in.IdempotencyToken, in, func() (*acmapi.RequestCertificateOutput, error) {
			return &acmapi.RequestCertificateOutput{CertificateArn: &s.engine.Request(tx, c, call.Now).ARN}, nil
		})
		return err
	})
	return out, err
}

// validationDomains are by name where mail about it goes.
func validationDomains(in *acmapi.RequestCertificateInput) (map[string]string, error) {
	domains := map[string]string{}
	for _, o := range in.DomainValidationOptions {
		name, domain := *o.DomainName, *o.ValidationDomain
		switch {
		case name != *in.DomainName && !slices.Contains(in.SubjectAlternativeNames, name):
			return nil, acmapi.ErrInvalidDomainValidationOptionsException.New("The domain name %s is not one of the certificate's.", name)
		case !cert.Covers(domain, name):
			return nil, acmapi.ErrInvalidDomainValidationOptionsException.New("The validation domain %s is neither %s nor a superdomain of it.", domain, name)
		}
		domains[name] = domain
	}
	return domains, nil
}

// ResendValidationEmail sends nothing, as there is no mail, and takes the domain's approval for granted: a certificate that waits is issued.
func (s *Service) ResendValidationEmail(ctx context.Context, in *acmapi.ResendValidationEmailInput) (*acmapi.ResendValidationEmailOutput, error) {
	call := aws.From(ctx)
	return change[acmapi.ResendValidationEmailOutput](ctx, s, in.CertificateArn, func(_ *state.Tx, c *cert.Certificate) error {
		switch {
		case c.Status(call.Now) != cert.PendingValidation || c.ValidationMethod != acmapi.ValidationMethodEmail:
			return acmapi.ErrInvalidStateException.New("The certificate %s does not wait for a validation by email.", c.ARN)
		case !slices.ContainsFunc(c.Names, func(n string) bool { return strings.EqualFold(n, *in.Domain) }):
			return acmapi.ErrInvalidDomainValidationOptionsException.New("The domain name %s is not one of the certificate's.", *in.Domain)
		case !cert.Covers(*in.ValidationDomain, *in.Domain):
			return acmapi.ErrInvalidDomainValidationOptionsException.New("The validation domain %s is neither %s nor a superdomain of it.", *in.ValidationDomain, *in.Domain)
		}
		c.ValidatedAt = call.Now
		return nil
	})
}

func orElse(value *string, def string) string {
	if value == nil {
		return def
	}
	return *value
}
