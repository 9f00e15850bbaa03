package elbv2

import (
	"context"
	"strings"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// errUnsupportedCertificate is not in the model of the API.
var errUnsupportedCertificate = &awserr.Class{Code: "UnsupportedCertificate", Status: 400}

// certificateARNs are the certificates a request names: of ACM or of IAM.
func certificateARNs(in []elbv2api.Certificate) ([]string, error) {
	var list []string
	for _, c := range in {
		name := aws.Val(c.CertificateArn)
		if c.IsDefault != nil {
			return nil, invalid("The IsDefault field cannot be specified")
		}
		a, err := arn.Parse(name)
		if err != nil || !(a.Service == "acm" && strings.HasPrefix(a.Resource, "certificate/") || a.Service == "iam" && strings.HasPrefix(a.Resource, "server-certificate/")) {
			return nil, invalid("Certificate ARN '%s' is not valid", name)
		}
		list = append(list, name)
	}
	return list, nil
}

// checkCertificates is whether listeners can present certificates.
func (s *Service) checkCertificates(tx *state.Tx, scope network.Scope, arns []string) error {
	for _, name := range arns {
		_, usable, found := s.certificates.Usable(tx, scope.Account, scope.Region, name)
		switch {
		case !found:
			return balance.ErrCertificateNotFound.New("Certificate '%s' not found", name)
		case !usable:
			return errUnsupportedCertificate.New("The certificate '%s' must have a fully-qualified domain name, a supported signature, and a supported key size.", name)
		}
	}
	return nil
}

// AddListenerCertificates lets a listener present further certificates, to clients that ask for the names in them.
func (s *Service) AddListenerCertificates(ctx context.Context, in *elbv2api.AddListenerCertificatesInput) (*elbv2api.AddListenerCertificatesOutput, error) {
	arns, err := listenerCertificates(*in.ListenerArn, in.Certificates)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.AddListenerCertificatesOutput, error) {
		l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
		if err != nil {
			return nil, err
		}
		if err := s.checkCertificates(tx, scope, arns); err != nil {
			return nil, err
		}
		if l, err = s.balance.AddCertificates(tx, l, arns); err != nil {
			return nil, err
		}
		out := &elbv2api.AddListenerCertificatesOutput{}
		for _, name := range arns {
			out.Certificates = append(out.Certificates, certificate(l, name))
		}
		return out, s.served(tx, l.LoadBalancerARN)
	})
}

// RemoveListenerCertificates takes certificates other than the default one from a listener.
func (s *Service) RemoveListenerCertificates(ctx context.Context, in *elbv2api.RemoveListenerCertificatesInput) (*elbv2api.RemoveListenerCertificatesOutput, error) {
	arns, err := listenerCertificates(*in.ListenerArn, in.Certificates)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.RemoveListenerCertificatesOutput, error) {
		l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
		if err != nil {
			return nil, err
		}
		return nil, s.balance.RemoveCertificates(tx, l, arns)
	})
}

func listenerCertificates(listener string, in []elbv2api.Certificate) ([]string, error) {
	if err := checkARN("listener", listener); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, invalid("At least one certificate must be specified")
	}
	return certificateARNs(in)
}

// DescribeListenerCertificates lists a listener's certificates, the default one too.
func (s *Service) DescribeListenerCertificates(ctx context.Context, in *elbv2api.DescribeListenerCertificatesInput) (*elbv2api.DescribeListenerCertificatesOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
	if err != nil {
		return nil, err
	}
	list := []elbv2api.Certificate{}
	if l.TLS != nil {
		for _, name := range l.TLS.Certificates {
			list = append(list, certificate(l, name))
		}
	}
	list, next, err := paged(list, func(c elbv2api.Certificate) string { return *c.CertificateArn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeListenerCertificatesOutput{Certificates: list, NextMarker: next}, nil
}

func certificate(l *balance.Listener, name string) elbv2api.Certificate {
	return elbv2api.Certificate{CertificateArn: new(name), IsDefault: new(name == l.TLS.Certificates[0])}
}
