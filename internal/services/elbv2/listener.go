package elbv2

import (
	"context"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// CreateListener makes a listener.
func (s *Service) CreateListener(ctx context.Context, in *elbv2api.CreateListenerInput) (*elbv2api.CreateListenerOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	switch {
	case in.Protocol == nil:
		return nil, invalid("A listener protocol must be specified")
	case in.Port == nil:
		return nil, invalid("A listener port must be specified")
	}
	if err := checkProtocol(*in.Protocol); err != nil {
		return nil, err
	}
	if err := checkPlain(in.Certificates, in.SslPolicy, in.AlpnPolicy, in.MutualAuthentication); err != nil {
		return nil, err
	}
	action, err := actionOf(in.DefaultActions)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	spec := balance.ListenerSpec{
		LoadBalancerARN: *in.LoadBalancerArn, Port: int(*in.Port), Protocol: *in.Protocol, Action: action, Tags: tags, Now: aws.From(ctx).Now,
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateListenerOutput, error) {
		l, err := s.balance.CreateListener(tx, scope, spec)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateListenerOutput{Listeners: []elbv2api.Listener{s.listener(tx, l)}}, nil
	})
}

func checkProtocol(protocol string) error {
	switch protocol {
	case elbv2api.ProtocolEnumHttp:
		return nil
	case elbv2api.ProtocolEnumHttps:
		return awserr.NotImplemented("listener protocol HTTPS")
	}
	return invalid("Listener protocol '%s' must be one of 'HTTPS, HTTP'", protocol)
}

// checkPlain refuses for an HTTP listener what only an encrypted one has.
func checkPlain(certificates []elbv2api.Certificate, policy *string, alpn []string, mutual *elbv2api.MutualAuthenticationAttributes) error {
	switch {
	case len(certificates) > 0:
		return invalid("Certificates cannot be specified for listeners with protocol 'HTTP'")
	case aws.Val(policy) != "":
		return invalid("An SSL policy cannot be specified for listeners with protocol 'HTTP'")
	case len(alpn) > 0:
		return invalid("An ALPN policy cannot be specified for listeners with protocol 'HTTP'")
	case mutual != nil:
		return invalid("Mutual authentication cannot be specified for listeners with protocol 'HTTP'")
	}
	return nil
}

// DescribeListeners lists a load balancer's listeners, or those named.
func (s *Service) DescribeListeners(ctx context.Context, in *elbv2api.DescribeListenersInput) (*elbv2api.DescribeListenersOutput, error) {
	tx, scope := s.view(ctx)
	var list []*balance.Listener
	switch {
	case in.LoadBalancerArn == nil && len(in.ListenerArns) == 0:
		return nil, invalid("You must specify either listener ARNs or a load balancer ARN")
	case in.LoadBalancerArn != nil && len(in.ListenerArns) > 0:
		return nil, invalid("Listener ARNs and a load balancer ARN cannot be specified at the same time")
	case in.LoadBalancerArn != nil:
		if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
			return nil, err
		}
		if _, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn); err != nil {
			return nil, balance.ErrLoadBalancerNotFound.New("One or more load balancers not found")
		}
		list = s.balance.ListenersOf(tx, *in.LoadBalancerArn)
	default:
		var err error
		if list, err = named(tx, scope, "listener", in.ListenerArns, s.balance.Listener); err != nil {
			return nil, err
		}
	}
	list, next, err := paged(list, func(l *balance.Listener) string { return l.ARN }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeListenersOutput{Listeners: []elbv2api.Listener{}, NextMarker: next}
	for _, l := range list {
		out.Listeners = append(out.Listeners, s.listener(tx, l))
	}
	return out, nil
}

// ModifyListener changes a listener's port, protocol or default action.
func (s *Service) ModifyListener(ctx context.Context, in *elbv2api.ModifyListenerInput) (*elbv2api.ModifyListenerOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	change := balance.ListenerChange{Port: int(aws.Val(in.Port)), Protocol: aws.Val(in.Protocol)}
	if in.Protocol != nil {
		if err := checkProtocol(*in.Protocol); err != nil {
			return nil, err
		}
	}
	if err := checkPlain(in.Certificates, in.SslPolicy, in.AlpnPolicy, in.MutualAuthentication); err != nil {
		return nil, err
	}
	if in.DefaultActions != nil {
		action, err := actionOf(in.DefaultActions)
		if err != nil {
			return nil, err
		}
		change.Action = &action
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyListenerOutput, error) {
		l, err := s.balance.ModifyListener(tx, scope, *in.ListenerArn, change)
		if err != nil {
			return nil, err
		}
		return &elbv2api.ModifyListenerOutput{Listeners: []elbv2api.Listener{s.listener(tx, l)}}, nil
	})
}

// DeleteListener deletes a listener with its rules.
func (s *Service) DeleteListener(ctx context.Context, in *elbv2api.DeleteListenerInput) (*elbv2api.DeleteListenerOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeleteListenerOutput, error) {
		return nil, s.balance.DeleteListener(tx, scope, *in.ListenerArn)
	})
}

// DescribeListenerCertificates lists none: HTTP listeners have none.
func (s *Service) DescribeListenerCertificates(ctx context.Context, in *elbv2api.DescribeListenerCertificatesInput) (*elbv2api.DescribeListenerCertificatesOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	if _, err := s.balance.Listener(tx, scope, *in.ListenerArn); err != nil {
		return nil, err
	}
	none, next, err := paged([]elbv2api.Certificate{}, func(c elbv2api.Certificate) string { return aws.Val(c.CertificateArn) }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeListenerCertificatesOutput{Certificates: none, NextMarker: next}, nil
}

func (s *Service) listener(tx *state.Tx, l *balance.Listener) elbv2api.Listener {
	return elbv2api.Listener{
		ListenerArn: new(l.ARN), LoadBalancerArn: new(l.LoadBalancerARN), Port: new(int32(l.Port)), Protocol: new(l.Protocol),
		DefaultActions: actions(s.balance.DefaultRule(tx, l.ARN).Action),
	}
}
