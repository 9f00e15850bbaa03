package elbv2

import (
	"context"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// CreateTrustStore makes a trust store of certificates that are read from S3 once, now.
func (s *Service) CreateTrustStore(ctx context.Context, in *elbv2api.CreateTrustStoreInput) (*elbv2api.CreateTrustStoreOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	from := balance.Source{Bucket: *in.CaCertificatesBundleS3Bucket, Key: *in.CaCertificatesBundleS3Key, Version: aws.Val(in.CaCertificatesBundleS3ObjectVersion)}
	bundle, authorities, err := s.bundle(ctx, from)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateTrustStoreOutput, error) {
		made, err := s.balance.CreateTrustStore(tx, balance.TrustStore{
			Scope: scope, Name: *in.Name, Bundle: bundle, Authorities: authorities, Source: from, CreatedAt: aws.From(ctx).Now,
		}, tags)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateTrustStoreOutput{TrustStores: []elbv2api.TrustStore{s.trustStore(tx, made)}}, nil
	})
}

// bundle reads certificates of authorities.
func (s *Service) bundle(ctx context.Context, from balance.Source) (text string, authorities int, err error) {
	c := aws.From(ctx)
	data, err := s.objects.Read(ctx, c.Account, c.Region, from.Bucket, from.Key, from.Version, maxBundle)
	if err != nil {
		return "", 0, elbv2api.ErrCaCertificatesBundleNotFoundException.New("The specified ca certificates bundle '%s/%s' does not exist", from.Bucket, from.Key)
	}
	if authorities, err = countAuthorities(data); err != nil {
		return "", 0, elbv2api.ErrInvalidCaCertificatesBundleException.New("The specified ca certificates bundle is not valid: %s", err)
	}
	return string(data), authorities, nil
}

// ModifyTrustStore replaces a trust store's certificates.
func (s *Service) ModifyTrustStore(ctx context.Context, in *elbv2api.ModifyTrustStoreInput) (*elbv2api.ModifyTrustStoreOutput, error) {
	if err := checkARN("truststore", *in.TrustStoreArn); err != nil {
		return nil, err
	}
	from := balance.Source{Bucket: *in.CaCertificatesBundleS3Bucket, Key: *in.CaCertificatesBundleS3Key, Version: aws.Val(in.CaCertificatesBundleS3ObjectVersion)}
	bundle, authorities, err := s.bundle(ctx, from)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyTrustStoreOutput, error) {
		t, err := s.balance.TrustStore(tx, scope, *in.TrustStoreArn)
		if err != nil {
			return nil, err
		}
		t = s.balance.SetBundle(tx, t, bundle, authorities, from)
		return &elbv2api.ModifyTrustStoreOutput{TrustStores: []elbv2api.TrustStore{s.trustStore(tx, t)}}, s.servedTrustStore(tx, t)
	})
}

// DescribeTrustStores lists trust stores: all, or those named.
func (s *Service) DescribeTrustStores(ctx context.Context, in *elbv2api.DescribeTrustStoresInput) (*elbv2api.DescribeTrustStoresOutput, error) {
	tx, scope := s.view(ctx)
	var list []*balance.TrustStore
	var err error
	switch {
	case len(in.TrustStoreArns) > 0 && len(in.Names) > 0:
		return nil, invalid("Trust store names and trust store ARNs cannot be specified at the same time")
	case len(in.TrustStoreArns) > 0:
		list, err = named(tx, scope, "truststore", in.TrustStoreArns, s.balance.TrustStore)
	case len(in.Names) > 0:
		for _, name := range in.Names {
			var t *balance.TrustStore
			if t, err = s.balance.TrustStoreNamed(tx, scope, name); err != nil {
				break
			}
			list = append(list, t)
		}
	default:
		list = s.balance.TrustStoresOf(tx, scope)
	}
	if err != nil {
		return nil, err
	}
	list, next, err := paged(list, func(t *balance.TrustStore) string { return t.ARN }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoresOutput{TrustStores: []elbv2api.TrustStore{}, NextMarker: next}
	for _, t := range list {
		out.TrustStores = append(out.TrustStores, s.trustStore(tx, t))
	}
	return out, nil
}

// DeleteTrustStore deletes a trust store that no listener verifies with.
func (s *Service) DeleteTrustStore(ctx context.Context, in *elbv2api.DeleteTrustStoreInput) (*elbv2api.DeleteTrustStoreOutput, error) {
	if err := checkARN("truststore", *in.TrustStoreArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeleteTrustStoreOutput, error) {
		t, err := s.balance.TrustStore(tx, scope, *in.TrustStoreArn)
		if err != nil {
			return nil, err
		}
		return nil, s.balance.DeleteTrustStore(tx, t)
	})
}

// DescribeTrustStoreAssociations lists the load balancers that verify with a trust store.
func (s *Service) DescribeTrustStoreAssociations(ctx context.Context, in *elbv2api.DescribeTrustStoreAssociationsInput) (*elbv2api.DescribeTrustStoreAssociationsOutput, error) {
	tx, t, err := s.viewTrustStore(ctx, *in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	users, next, err := paged(s.balance.TrustStoreUsers(tx, t.ARN), func(arn string) string { return arn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTrustStoreAssociationsOutput{TrustStoreAssociations: []elbv2api.TrustStoreAssociation{}, NextMarker: next}
	for _, arn := range users {
		out.TrustStoreAssociations = append(out.TrustStoreAssociations, elbv2api.TrustStoreAssociation{ResourceArn: new(arn)})
	}
	return out, nil
}

// DeleteSharedTrustStoreAssociation refuses: a trust store is never shared with another account here, and within one it is the listener
// that lets go of it.
func (s *Service) DeleteSharedTrustStoreAssociation(ctx context.Context, in *elbv2api.DeleteSharedTrustStoreAssociationInput) (*elbv2api.DeleteSharedTrustStoreAssociationOutput, error) {
	tx, t, err := s.viewTrustStore(ctx, *in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	for _, arn := range s.balance.TrustStoreUsers(tx, t.ARN) {
		if arn == *in.ResourceArn {
			return nil, elbv2api.ErrDeleteAssociationSameAccountException.New("The association cannot be deleted because trust store '%s' and '%s' are in the same account", t.ARN, arn)
		}
	}
	return nil, balance.ErrAssociationNotFound.New("Association between trust store '%s' and '%s' not found", t.ARN, *in.ResourceArn)
}

// GetResourcePolicy tells that there is none: trust stores are not shared.
func (s *Service) GetResourcePolicy(ctx context.Context, in *elbv2api.GetResourcePolicyInput) (*elbv2api.GetResourcePolicyOutput, error) {
	if _, _, err := s.viewTrustStore(ctx, *in.ResourceArn); err != nil {
		return nil, err
	}
	return nil, elbv2api.ErrResourceNotFoundException.New("Resource policy not found for '%s'", *in.ResourceArn)
}

// linkLife is how long the addresses of bundles and revocation lists are good for: Elastic Load Balancing API Reference,
// "GetTrustStoreCaCertificatesBundle".
const linkLife = 10 * time.Minute

// GetTrustStoreCaCertificatesBundle tells where a trust store's certificates can be downloaded.
func (s *Service) GetTrustStoreCaCertificatesBundle(ctx context.Context, in *elbv2api.GetTrustStoreCaCertificatesBundleInput) (*elbv2api.GetTrustStoreCaCertificatesBundleOutput, error) {
	_, t, err := s.viewTrustStore(ctx, *in.TrustStoreArn)
	if err != nil {
		return nil, err
	}
	link, err := s.link(ctx, t.Source)
	return &elbv2api.GetTrustStoreCaCertificatesBundleOutput{Location: link}, err
}

func (s *Service) link(ctx context.Context, from balance.Source) (*string, error) {
	c := aws.From(ctx)
	link, err := s.objects.Presign(ctx, c.Account, c.Region, from.Bucket, from.Key, from.Version, linkLife)
	return &link, err
}

// servedTrustStore is whether edge can go on verifying with the trust store.
func (s *Service) servedTrustStore(tx *state.Tx, t *balance.TrustStore) error {
	for _, arn := range s.balance.TrustStoreUsers(tx, t.ARN) {
		if err := s.served(tx, arn); err != nil {
			return err
		}
	}
	return nil
}

// viewTrustStore finds the trust store that a request is about.
func (s *Service) viewTrustStore(ctx context.Context, arn string) (*state.Tx, *balance.TrustStore, error) {
	if err := checkARN("truststore", arn); err != nil {
		return nil, nil, err
	}
	tx, scope := s.view(ctx)
	t, err := s.balance.TrustStore(tx, scope, arn)
	return tx, t, err
}

func (s *Service) trustStore(tx *state.Tx, t *balance.TrustStore) elbv2api.TrustStore {
	revoked := int64(0)
	for _, r := range s.balance.RevocationsOf(tx, t.ARN) {
		revoked += int64(r.Entries)
	}
	return elbv2api.TrustStore{
		Name: new(t.Name), TrustStoreArn: new(t.ARN), Status: new(elbv2api.TrustStoreStatusActive),
		NumberOfCaCertificates: new(int32(t.Authorities)), TotalRevokedEntries: new(revoked),
	}
}
