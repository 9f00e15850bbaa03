package elbv2

import (
	"context"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
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
	terms, err := termsOf(in.Certificates, in.SslPolicy, in.AlpnPolicy, in.MutualAuthentication)
	if err != nil {
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
		LoadBalancerARN: *in.LoadBalancerArn, Port: int(*in.Port), Protocol: *in.Protocol, TLS: terms.tls(), Action: action, Tags: tags,
		Now: aws.From(ctx).Now,
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateListenerOutput, error) {
		if err := s.checkOffer(tx, scope, spec.LoadBalancerARN, spec.Protocol, terms.policy); err != nil {
			return nil, err
		}
		if err := s.checkCertificates(tx, scope, terms.certificates()); err != nil {
			return nil, err
		}
		l, err := s.balance.CreateListener(tx, scope, spec)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateListenerOutput{Listeners: []elbv2api.Listener{s.listener(tx, l)}}, s.served(tx, l.LoadBalancerARN)
	})
}

// checkOffer refuses by name the protocols of Network Load Balancers that are not there yet, and security policies of another type of load
// balancer. Other protocols are balance's to judge.
func (s *Service) checkOffer(tx *state.Tx, scope network.Scope, loadBalancerARN, protocol, policy string) error {
	lb, err := s.balance.LoadBalancer(tx, scope, loadBalancerARN)
	if err != nil {
		return err
	}
	if lb.Network() && (protocol == elbv2api.ProtocolEnumQuic || protocol == elbv2api.ProtocolEnumTcpQuic) {
		return awserr.NotImplemented("listener protocol " + protocol)
	}
	if p := sslpolicy.Find(policy); p != nil && p.NetworkOnly && !lb.Network() {
		return invalid("SSL policy '%s' is not supported for load balancers with type 'application'", policy)
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
		if list, err = described(tx, scope, "listener", in.ListenerArns, s.balance.Listener); err != nil {
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

// ModifyListener changes a listener's port, protocol, certificate, policies or default action.
func (s *Service) ModifyListener(ctx context.Context, in *elbv2api.ModifyListenerInput) (*elbv2api.ModifyListenerOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	terms, err := termsOf(in.Certificates, in.SslPolicy, in.AlpnPolicy, in.MutualAuthentication)
	if err != nil {
		return nil, err
	}
	change := balance.ListenerChange{
		Port: int(aws.Val(in.Port)), Protocol: aws.Val(in.Protocol), Certificate: terms.certificate, Policy: terms.policy, ALPN: terms.alpn, Mutual: terms.mutual,
	}
	if in.DefaultActions != nil {
		action, err := actionOf(in.DefaultActions)
		if err != nil {
			return nil, err
		}
		change.Action = &action
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyListenerOutput, error) {
		l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
		if err != nil {
			return nil, err
		}
		if err := s.checkOffer(tx, scope, l.LoadBalancerARN, change.Protocol, terms.policy); err != nil {
			return nil, err
		}
		if err := s.checkCertificates(tx, scope, terms.certificates()); err != nil {
			return nil, err
		}
		if l, err = s.balance.ModifyListener(tx, scope, l.ARN, change); err != nil {
			return nil, err
		}
		return &elbv2api.ModifyListenerOutput{Listeners: []elbv2api.Listener{s.listener(tx, l)}}, s.served(tx, l.LoadBalancerARN)
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

func (s *Service) listener(tx *state.Tx, l *balance.Listener) elbv2api.Listener {
	out := elbv2api.Listener{
		ListenerArn: new(l.ARN), LoadBalancerArn: new(l.LoadBalancerARN), Port: new(int32(l.Port)), Protocol: new(l.Protocol),
		DefaultActions: actions(s.balance.DefaultRule(tx, l.ARN).Action),
	}
	if t := l.TLS; t != nil {
		out.SslPolicy, out.Certificates = new(t.Policy), []elbv2api.Certificate{{CertificateArn: new(t.Certificates[0])}}
		if t.ALPN != "" {
			out.AlpnPolicy = []string{t.ALPN}
		}
		if l.Protocol == balance.ProtocolHTTPS {
			out.MutualAuthentication = mutual(t.Mutual)
		}
	}
	return out
}
