package acm

import (
	"context"
	"slices"
	"time"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

const (
	pageMax = 1000
	// maxNames is how many names a summary has.
	maxNames = 100
)

// usualKeys are the algorithms that ListCertificates shows when none are named.
var usualKeys = []string{cert.RSA1024, cert.RSA2048}

// ListCertificates lists the certificates of the caller's account and Region that filters let pass, by ARN or by time.
func (s *Service) ListCertificates(ctx context.Context, in *acmapi.ListCertificatesInput) (*acmapi.ListCertificatesOutput, error) {
	call := aws.From(ctx)
	if (in.SortBy == nil) != (in.SortOrder == nil) {
		return nil, acmapi.ErrInvalidArgsException.New("SortBy and SortOrder must be specified together.")
	}
	tx := s.store.View()
	var list []*cert.Certificate
	for c := range s.engine.CertificatesOf(tx, call.Account, call.Region) {
		if passes(c, in, call.Now) {
			list = append(list, c)
		}
	}
	if in.SortBy != nil {
		slices.SortStableFunc(list, func(a, b *cert.Certificate) int { return a.CreatedAt.Compare(b.CreatedAt) })
		if *in.SortOrder == acmapi.SortOrderDescending {
			slices.Reverse(list)
		}
	}
	list, next, err := page.Of(list, func(c *cert.Certificate) string { return c.ARN }, in.NextToken, int(aws.Val(in.MaxItems)), pageMax, pageMax)
	if err != nil {
		return nil, err
	}
	out := &acmapi.ListCertificatesOutput{CertificateSummaryList: []acmapi.CertificateSummary{}, NextToken: next}
	for _, c := range list {
		out.CertificateSummaryList = append(out.CertificateSummaryList, s.summary(tx, c, call.Now))
	}
	return out, nil
}

func passes(c *cert.Certificate, in *acmapi.ListCertificatesInput, now time.Time) bool {
	if in.CertificateStatuses != nil && !slices.Contains(in.CertificateStatuses, c.Status(now)) {
		return false
	}
	f := in.Includes
	if f == nil {
		f = &acmapi.Filters{}
	}
	if f.KeyTypes == nil && (!slices.Contains(usualKeys, c.KeyAlgorithm) || len(c.Names) == 0) ||
		f.KeyTypes != nil && !slices.Contains(f.KeyTypes, c.KeyAlgorithm) ||
		f.ManagedBy != nil || // none is
		f.ExportOption != nil && (c.Type != cert.AmazonIssued || c.Export != *f.ExportOption) {
		return false
	}
	if f.KeyUsage == nil && f.ExtendedKeyUsage == nil {
		return true
	}
	usages, purposes := usagesOf(c)
	return overlap(f.KeyUsage, usages) && overlap(f.ExtendedKeyUsage, purposes)
}

// overlap is whether the lists have a value in common; one that is not given lets everything pass.
func overlap(wanted, have []string) bool {
	return wanted == nil || slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(have, w) })
}

func usagesOf(c *cert.Certificate) (usages, purposes []string) {
	usages, purposes = []string{}, []string{}
	if d, ok := c.Detail(); ok {
		usages = d.KeyUsages
		for _, u := range d.ExtendedKeyUsages {
			purposes = append(purposes, u.Name)
		}
	}
	return usages, purposes
}

func (s *Service) summary(tx *state.Tx, c *cert.Certificate, now time.Time) acmapi.CertificateSummary {
	out := acmapi.CertificateSummary{
		CertificateArn: &c.ARN, DomainName: text(c.Domain), SubjectAlternativeNameSummaries: c.Names[:min(len(c.Names), maxNames)],
		HasAdditionalSubjectAlternativeNames: new(len(c.Names) > maxNames), Status: new(c.Status(now)), Type: &c.Type,
		KeyAlgorithm: new(hyphenated(c.KeyAlgorithm)), InUse: new(len(s.engine.Users(tx, c)) > 0), RenewalEligibility: s.eligibility(tx, c, now),
		NotBefore: at(c.NotBefore), NotAfter: at(c.NotAfter), CreatedAt: at(c.CreatedAt), IssuedAt: at(c.IssuedAt), ImportedAt: at(c.ImportedAt),
	}
	out.KeyUsages, out.ExtendedKeyUsages = usagesOf(c)
	if c.Type == cert.AmazonIssued {
		out.ExportOption, out.Exported = &c.Export, &c.Exported
	}
	return out
}
