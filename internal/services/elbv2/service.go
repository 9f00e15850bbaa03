package elbv2

import (
	"context"
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Edge is the data plane, asked before rows are committed that it would have to serve.
type Edge interface {
	// Serves is whether edge can do what the rows say about a load balancer and its listeners; the error names what it cannot.
	Serves(tx *state.Tx, loadBalancerARN string) error
	// ServesRule is the same of one of its rules.
	ServesRule(tx *state.Tx, ruleARN string) error
	// ServesGroup is the same of a target group, whether something forwards to it or not.
	ServesGroup(tx *state.Tx, targetGroupARN string) error
}

// Certificates are those listeners can present.
type Certificates interface {
	// Usable tells the algorithm of a certificate's key, whether a listener can present the certificate, and whether there is one.
	Usable(tx *state.Tx, account, region, arn string) (keyAlgorithm string, usable, found bool)
}

// Objects are the files of S3 that trust stores are made of.
type Objects interface {
	// Read reads an object on behalf of an account; an empty version is the current one. An object that is missing or larger than most is
	// an error.
	Read(ctx context.Context, account, region, bucket, key, version string, most int64) ([]byte, error)
	// Presign is an address at which the object can be downloaded for a while.
	Presign(ctx context.Context, account, region, bucket, key, version string, lasting time.Duration) (string, error)
}

// Buckets are where logs go to.
type Buckets interface {
	// Check is whether Elastic Load Balancing can write a load balancer's logs into a bucket; the error is for the caller of the API.
	Check(tx *state.Tx, loadBalancerARN, bucket, prefix string) error
}

// Config is what the front works with.
type Config struct {
	Store        *state.Store
	Balance      *balance.Balance
	Edge         Edge
	Certificates Certificates
	Objects      Objects
	Buckets      Buckets
}

// Service is the Elastic Load Balancing front.
type Service struct {
	store        *state.Store
	balance      *balance.Balance
	edge         Edge
	certificates Certificates
	objects      Objects
	buckets      Buckets
}

// New returns the front over the engine.
func New(c Config) *Service {
	return &Service{store: c.Store, balance: c.Balance, edge: c.Edge, certificates: c.Certificates, objects: c.Objects, buckets: c.Buckets}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		elbv2api.CreateLoadBalancer.Bind(s.CreateLoadBalancer),
		elbv2api.DescribeLoadBalancers.Bind(s.DescribeLoadBalancers),
		elbv2api.DeleteLoadBalancer.Bind(s.DeleteLoadBalancer),
		elbv2api.DescribeLoadBalancerAttributes.Bind(s.DescribeLoadBalancerAttributes),
		elbv2api.ModifyLoadBalancerAttributes.Bind(s.ModifyLoadBalancerAttributes),
		elbv2api.SetSecurityGroups.Bind(s.SetSecurityGroups),
		elbv2api.SetSubnets.Bind(s.SetSubnets),
		elbv2api.SetIpAddressType.Bind(s.SetIpAddressType),
		elbv2api.DescribeCapacityReservation.Bind(s.DescribeCapacityReservation),

		elbv2api.CreateListener.Bind(s.CreateListener),
		elbv2api.DescribeListeners.Bind(s.DescribeListeners),
		elbv2api.ModifyListener.Bind(s.ModifyListener),
		elbv2api.DeleteListener.Bind(s.DeleteListener),
		elbv2api.DescribeListenerAttributes.Bind(s.DescribeListenerAttributes),
		elbv2api.ModifyListenerAttributes.Bind(s.ModifyListenerAttributes),
		elbv2api.DescribeListenerCertificates.Bind(s.DescribeListenerCertificates),
		elbv2api.AddListenerCertificates.Bind(s.AddListenerCertificates),
		elbv2api.RemoveListenerCertificates.Bind(s.RemoveListenerCertificates),

		elbv2api.CreateRule.Bind(s.CreateRule),
		elbv2api.DescribeRules.Bind(s.DescribeRules),
		elbv2api.ModifyRule.Bind(s.ModifyRule),
		elbv2api.SetRulePriorities.Bind(s.SetRulePriorities),
		elbv2api.DeleteRule.Bind(s.DeleteRule),

		elbv2api.CreateTargetGroup.Bind(s.CreateTargetGroup),
		elbv2api.DescribeTargetGroups.Bind(s.DescribeTargetGroups),
		elbv2api.ModifyTargetGroup.Bind(s.ModifyTargetGroup),
		elbv2api.DeleteTargetGroup.Bind(s.DeleteTargetGroup),
		elbv2api.DescribeTargetGroupAttributes.Bind(s.DescribeTargetGroupAttributes),
		elbv2api.ModifyTargetGroupAttributes.Bind(s.ModifyTargetGroupAttributes),
		elbv2api.RegisterTargets.Bind(s.RegisterTargets),
		elbv2api.DeregisterTargets.Bind(s.DeregisterTargets),
		elbv2api.DescribeTargetHealth.Bind(s.DescribeTargetHealth),

		elbv2api.CreateTrustStore.Bind(s.CreateTrustStore),
		elbv2api.DescribeTrustStores.Bind(s.DescribeTrustStores),
		elbv2api.ModifyTrustStore.Bind(s.ModifyTrustStore),
		elbv2api.DeleteTrustStore.Bind(s.DeleteTrustStore),
		elbv2api.DescribeTrustStoreAssociations.Bind(s.DescribeTrustStoreAssociations),
		elbv2api.DeleteSharedTrustStoreAssociation.Bind(s.DeleteSharedTrustStoreAssociation),
		elbv2api.AddTrustStoreRevocations.Bind(s.AddTrustStoreRevocations),
		elbv2api.DescribeTrustStoreRevocations.Bind(s.DescribeTrustStoreRevocations),
		elbv2api.RemoveTrustStoreRevocations.Bind(s.RemoveTrustStoreRevocations),
		elbv2api.GetTrustStoreCaCertificatesBundle.Bind(s.GetTrustStoreCaCertificatesBundle),
		elbv2api.GetTrustStoreRevocationContent.Bind(s.GetTrustStoreRevocationContent),
		elbv2api.GetResourcePolicy.Bind(s.GetResourcePolicy),

		elbv2api.AddTags.Bind(s.AddTags),
		elbv2api.RemoveTags.Bind(s.RemoveTags),
		elbv2api.DescribeTags.Bind(s.DescribeTags),

		elbv2api.DescribeAccountLimits.Bind(s.DescribeAccountLimits),
		elbv2api.DescribeSSLPolicies.Bind(s.DescribeSSLPolicies),
	}
}

// update runs fn in a transaction of the caller's account and region.
func update[O any](ctx context.Context, s *Service, fn func(tx *state.Tx, scope network.Scope) (*O, error)) (out *O, err error) {
	c := aws.From(ctx)
	err = s.store.Update(ctx, func(tx *state.Tx) (err error) {
		out, err = fn(tx, network.Scope{Account: c.Account, Region: c.Region})
		return err
	})
	return out, err
}

// served is whether edge can do what the transaction has made of a load balancer.
func (s *Service) served(tx *state.Tx, loadBalancerARN string) error {
	if err := s.edge.Serves(tx, loadBalancerARN); err != nil {
		return awserr.Unsupported(err)
	}
	return nil
}

// servedRule is the same for a rule.
func (s *Service) servedRule(tx *state.Tx, r *balance.Rule) error {
	if err := s.edge.ServesRule(tx, r.ARN); err != nil {
		return awserr.Unsupported(err)
	}
	return nil
}

// servedGroup is the same for a target group.
func (s *Service) servedGroup(tx *state.Tx, g *balance.TargetGroup) error {
	if err := s.edge.ServesGroup(tx, g.ARN); err != nil {
		return awserr.Unsupported(err)
	}
	return nil
}

// view is update for operations that only read.
func (s *Service) view(ctx context.Context) (*state.Tx, network.Scope) {
	c := aws.From(ctx)
	return s.store.View(), network.Scope{Account: c.Account, Region: c.Region}
}

// pageSize is how many results a page has unless asked for fewer, and at most.
const pageSize = 400

func paged[T any](items []T, key func(T) string, marker *string, size *int32) ([]T, *string, error) {
	return page.Of(items, key, marker, int(aws.Val(size)), pageSize, pageSize)
}

// invalid is AWS's answer to what makes no sense.
func invalid(format string, args ...any) *awserr.Error {
	return balance.ErrValidation.New(format, args...)
}

// kinds are the resources of the API by the first part of their ARNs' resource.
var kinds = map[string]string{
	"loadbalancer":  "load balancer",
	"listener":      "listener",
	"listener-rule": "listener rule",
	"targetgroup":   "target group",
	"truststore":    "trust store",
}

// kindOf is the kind of resource an ARN names; empty if none of ours.
func kindOf(name string) string {
	a, err := arn.Parse(name)
	if err != nil || a.Service != "elasticloadbalancing" {
		return ""
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	if _, ok := kinds[kind]; !ok || rest == "" {
		return ""
	}
	return kind
}

// checkARN refuses what is no ARN of the kind. One that names nothing is another matter.
func checkARN(kind, name string) error {
	if kindOf(name) != kind {
		return invalid("'%s' is not a valid %s ARN", name, kinds[kind])
	}
	return nil
}

// mostDescribed is how many resources one request may name to have them described.
const mostDescribed = 20

// checkDescribed refuses a request that names too many resources of a kind, in the words that AWS has for them.
func checkDescribed(kind string, n int) error {
	switch {
	case n <= mostDescribed:
		return nil
	case kind == "loadbalancer":
		return invalid("Up to %d load balancers can be described at a time, but %d were specified", mostDescribed, n)
	}
	return invalid("You cannot describe more than '%d' %ss at a time", mostDescribed, kinds[kind])
}

// described finds the resources of which a request wants a description.
func described[T any](tx *state.Tx, scope network.Scope, kind string, arns []string, find func(*state.Tx, network.Scope, string) (T, error)) ([]T, error) {
	if err := checkDescribed(kind, len(arns)); err != nil {
		return nil, err
	}
	return named(tx, scope, kind, arns, find)
}

// named finds the resources a request names. All names are checked before the first is looked for.
func named[T any](tx *state.Tx, scope network.Scope, kind string, arns []string, find func(*state.Tx, network.Scope, string) (T, error)) (list []T, err error) {
	for _, arn := range arns {
		if err := checkARN(kind, arn); err != nil {
			return nil, err
		}
	}
	for _, arn := range arns {
		one, err := find(tx, scope, arn)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}
