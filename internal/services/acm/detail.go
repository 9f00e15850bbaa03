package acm

import (
	"strings"
	"time"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

func (s *Service) detail(tx *state.Tx, c *cert.Certificate, now time.Time) *acmapi.CertificateDetail {
	users := s.engine.Users(tx, c)
	out := &acmapi.CertificateDetail{
		CertificateArn: &c.ARN, DomainName: text(c.Domain), SubjectAlternativeNames: c.Names, Type: &c.Type, Status: new(c.Status(now)),
		KeyAlgorithm: new(hyphenated(c.KeyAlgorithm)), CreatedAt: at(c.CreatedAt), IssuedAt: at(c.IssuedAt), ImportedAt: at(c.ImportedAt),
		NotBefore: at(c.NotBefore), NotAfter: at(c.NotAfter), InUseBy: append([]string{}, users...),
		RenewalEligibility: s.eligibility(tx, c, now), KeyUsages: []acmapi.KeyUsage{}, ExtendedKeyUsages: []acmapi.ExtendedKeyUsage{},
		Options: options(c), FailureReason: text(c.FailureReason),
	}
	if d, ok := c.Detail(); ok {
		out.Serial, out.Subject, out.Issuer, out.SignatureAlgorithm = &d.Serial, text(d.Subject), text(d.Issuer), &d.SignatureAlgorithm
		for _, u := range d.KeyUsages {
			out.KeyUsages = append(out.KeyUsages, acmapi.KeyUsage{Name: new(u)})
		}
		for _, u := range d.ExtendedKeyUsages {
			out.ExtendedKeyUsages = append(out.ExtendedKeyUsages, acmapi.ExtendedKeyUsage{Name: new(u.Name), OID: text(u.OID)})
		}
	} else {
		out.Subject = text("CN=" + c.Domain)
	}
	if c.Type == cert.AmazonIssued {
		out.DomainValidationOptions = validations(c)
	}
	if c.Renewal.Status != "" {
		out.RenewalSummary = &acmapi.RenewalSummary{
			RenewalStatus: &c.Renewal.Status, RenewalStatusReason: text(c.Renewal.Reason), DomainValidationOptions: validations(c),
			UpdatedAt: at(c.Renewal.At),
		}
	}
	return out
}

func options(c *cert.Certificate) *acmapi.CertificateOptions {
	if c.Type != cert.AmazonIssued { // nobody knows whether another authority logged it
		return &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: new(acmapi.CertificateTransparencyLoggingPreferenceDisabled)}
	}
	return &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: &c.Transparency, Export: &c.Export}
}

// validations are how each of a requested certificate's names is or was shown to be the caller's.
func validations(c *cert.Certificate) []acmapi.DomainValidation {
	status := acmapi.DomainStatusPendingValidation
	switch {
	case c.FailureReason != "":
		status = acmapi.DomainStatusFailed
	case c.Body != "":
		status = acmapi.DomainStatusSuccess
	}
	var list []acmapi.DomainValidation
	for _, name := range c.Names {
		v := acmapi.DomainValidation{DomainName: new(name), ValidationMethod: &c.ValidationMethod, ValidationStatus: new(status)}
		if c.ValidationMethod == acmapi.ValidationMethodEmail {
			domain := c.ValidationDomain(name)
			v.ValidationDomain, v.ValidationEmails = &domain, cert.Emails(domain)
		} else {
			record, value := cert.Record(c.Account, name)
			v.ValidationDomain = new(name)
			v.ResourceRecord = &acmapi.ResourceRecord{Name: &record, Type: new(acmapi.RecordTypeCname), Value: &value}
		}
		list = append(list, v)
	}
	return list
}

func (s *Service) eligibility(tx *state.Tx, c *cert.Certificate, now time.Time) *string {
	if s.engine.Renewable(tx, c, now) {
		return new(acmapi.RenewalEligibilityEligible)
	}
	return new(acmapi.RenewalEligibilityIneligible)
}

// hyphenated is a key algorithm as ACM shows it: RSA-2048, where requests say RSA_2048.
func hyphenated(algorithm string) string { return strings.ReplaceAll(algorithm, "_", "-") }

// at is a time in an answer: absent until it happened.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.Round(0).UTC().Truncate(time.Millisecond))
}

// text is a string in an answer: absent when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
