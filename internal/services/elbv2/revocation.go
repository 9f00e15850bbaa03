package elbv2

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Sizes of files: User Guide for Application Load Balancers, "Quotas for your Application Load Balancers": each certificate and the list.
const (
	maxBundle     = balance.MaxAuthorities * 16 << 10
	maxRevocation = 50 << 20
)

// AddTrustStoreRevocations adds revocation lists, read from S3 once, now.
func (s *Service) AddTrustStoreRevocations(ctx context.Context, in *elbv2api.AddTrustStoreRevocationsInput) (*elbv2api.AddTrustStoreRevocationsOutput, error) {
	if err := checkARN("truststore", *in.TrustStoreArn); err != nil {
		return nil, err
	}
	if len(in.RevocationContents) == 0 {
		return nil, invalid("At least one revocation content must be specified")
	}
	lists, err := s.revocations(ctx, in.RevocationContents)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.AddTrustStoreRevocationsOutput, error) {
		t, err := s.balance.TrustStore(tx, scope, *in.TrustStoreArn)
		if err != nil {
			return nil, err
		}
		added, err := s.balance.AddRevocations(tx, t, lists)
		if err != nil {
			return nil, err
		}
		out := &elbv2api.AddTrustStoreRevocationsOutput{}
		for _, r := range added {
			out.TrustStoreRevocations = append(out.TrustStoreRevocations, elbv2api.TrustStoreRevocation{
				TrustStoreArn: new(r.TrustStoreARN), RevocationId: new(r.ID), RevocationType: new(r.Type), NumberOfRevokedEntries: new(int64(r.Entries)),
			})
		}
		return out, s.servedTrustStore(tx, t)
	})
}

// revocations reads revocation lists. What no trust store could have is not read to its end: it need not fit into memory.
func (s *Service) revocations(ctx context.Context, from []elbv2api.RevocationContent) (lists []balance.Revocation, err error) {
	if err := balance.CheckRevocations(len(from), 0, 0); err != nil {
		return nil, err
	}
	files, octets := make([][]byte, len(from)), 0
	for i := range from {
		if files[i], err = s.revocationFile(ctx, &from[i]); err != nil {
			return nil, err
		}
		octets += len(files[i])
		if err := balance.CheckRevocations(len(from), 0, octets); err != nil {
			return nil, err
		}
	}
	for i, data := range files {
		r := balance.Revocation{Type: balance.RevocationCRL, Source: revocationSource(&from[i])}
		if r.Content, r.Entries, err = revocationList(data); err != nil {
			return nil, elbv2api.ErrInvalidRevocationContentException.New("The specified revocation content is not valid: %s", err)
		}
		lists = append(lists, r)
	}
	return lists, nil
}

func revocationSource(in *elbv2api.RevocationContent) balance.Source {
	return balance.Source{Bucket: aws.Val(in.S3Bucket), Key: aws.Val(in.S3Key), Version: aws.Val(in.S3ObjectVersion)}
}

func (s *Service) revocationFile(ctx context.Context, in *elbv2api.RevocationContent) ([]byte, error) {
	if in.S3Bucket == nil || in.S3Key == nil {
		return nil, invalid("An S3 bucket and an S3 key must be specified for a revocation content")
	}
	from, c := revocationSource(in), aws.From(ctx)
	data, err := s.objects.Read(ctx, c.Account, c.Region, from.Bucket, from.Key, from.Version, maxRevocation)
	if err != nil {
		return nil, elbv2api.ErrRevocationContentNotFoundException.New("The specified revocation content '%s/%s' does not exist", from.Bucket, from.Key)
	}
	return data, nil
}

// DescribeTrustStoreRevocations lists a trust store's revocation lists: all, or those named.
func (s *Service) DescribeTrustStoreRevocations(ctx context.Context, in *elbv2api.DescribeTrustStoreRevocationsInput) (*elbv2api.DescribeTrustStoreRevocationsOutput, error) {
	tx, t, err := s.viewTrustStore(ctx, *in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	list := s.balance.RevocationsOf(tx, t.ARN)
	if len(in.RevocationIds) > 0 {
		list = nil
		for _, id := range in.RevocationIds {
			r, err := s.balance.Revocation(tx, t, id)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
	}
	list, next, err := paged(list, func(r *balance.Revocation) string { return fmt.Sprintf("%019d", r.ID) }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoreRevocationsOutput{TrustStoreRevocations: []elbv2api.DescribeTrustStoreRevocation{}, NextMarker: next}
	for _, r := range list {
		out.TrustStoreRevocations = append(out.TrustStoreRevocations, elbv2api.DescribeTrustStoreRevocation{
			TrustStoreArn: new(r.TrustStoreARN), RevocationId: new(r.ID), RevocationType: new(r.Type), NumberOfRevokedEntries: new(int64(r.Entries)),
		})
	}
	return out, nil
}

// RemoveTrustStoreRevocations removes revocation lists.
func (s *Service) RemoveTrustStoreRevocations(ctx context.Context, in *elbv2api.RemoveTrustStoreRevocationsInput) (*elbv2api.RemoveTrustStoreRevocationsOutput, error) {
	if err := checkARN("truststore", *in.TrustStoreArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.RemoveTrustStoreRevocationsOutput, error) {
		t, err := s.balance.TrustStore(tx, scope, *in.TrustStoreArn)
		if err != nil {
			return nil, err
		}
		return nil, s.balance.RemoveRevocations(tx, t, slices.Compact(slices.Sorted(slices.Values(in.RevocationIds))))
	})
}

// GetTrustStoreRevocationContent tells where a revocation list can be downloaded.
func (s *Service) GetTrustStoreRevocationContent(ctx context.Context, in *elbv2api.GetTrustStoreRevocationContentInput) (*elbv2api.GetTrustStoreRevocationContentOutput, error) {
	tx, t, err := s.viewTrustStore(ctx, *in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	r, err := s.balance.Revocation(tx, t, *in.RevocationId)
	if err != nil {
		return nil, err
	}
	link, err := s.link(ctx, r.Source)
	return &elbv2api.GetTrustStoreRevocationContentOutput{Location: link}, err
}

var errNoCertificates = errors.New("there is no certificate in it")

// countAuthorities counts a bundle's certificates, which all must be readable.
func countAuthorities(bundle []byte) (n int, err error) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return 0, fmt.Errorf("it holds a %s", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return 0, err
		}
		if c.BasicConstraintsValid && !c.IsCA {
			return 0, fmt.Errorf("the certificate of %s is not one of an authority", c.Subject)
		}
		n++
	}
	switch {
	case n == 0:
		return 0, errNoCertificates
	case n > balance.MaxAuthorities:
		return 0, fmt.Errorf("there are more than %d certificates in it", balance.MaxAuthorities)
	}
	return n, nil
}

// revocationList reads a revocation list in PEM or DER, and returns it in PEM with the number of its entries.
func revocationList(data []byte) (text string, entries int, err error) {
	der := data
	if block, rest := pem.Decode(data); block != nil {
		if block.Type != "X509 CRL" || len(bytes.TrimSpace(rest)) > 0 {
			return "", 0, errors.New("it is not one certificate revocation list")
		}
		der = block.Bytes
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return "", 0, err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})), len(list.RevokedCertificateEntries), nil
}
