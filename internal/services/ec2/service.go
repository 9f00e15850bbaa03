package ec2

import (
	"context"
	"net/http"
	"time"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Service is the EC2 front.
type Service struct {
	store  *state.Store
	net    *network.Network
	tokens *idem.Tokens
}

// tokenLife is how long a client token is remembered (EC2 Developer Guide, "Ensure idempotency in Amazon EC2 API requests").
const tokenLife = 24 * time.Hour

// New returns the front over the network engine.
func New(store *state.Store, net *network.Network, tokens *idem.Tables) *Service {
	mismatch := awserr.New("IdempotentParameterMismatch", http.StatusBadRequest, "The client token has already been used with different request parameters.")
	return &Service{store: store, net: net, tokens: tokens.Tokens(tokenLife, mismatch)}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		// VPCs and what comes with them
		ec2api.CreateVpc.Bind(s.CreateVpc),
		ec2api.CreateDefaultVpc.Bind(s.CreateDefaultVpc),
		ec2api.DeleteVpc.Bind(s.DeleteVpc),
		ec2api.DescribeVpcs.Bind(s.DescribeVpcs),
		ec2api.DescribeVpcAttribute.Bind(s.DescribeVpcAttribute),
		ec2api.ModifyVpcAttribute.Bind(s.ModifyVpcAttribute),
		ec2api.AssociateVpcCidrBlock.Bind(s.AssociateVpcCidrBlock),
		ec2api.DisassociateVpcCidrBlock.Bind(s.DisassociateVpcCidrBlock),
		ec2api.DescribeNetworkAcls.Bind(s.DescribeNetworkAcls),
		ec2api.DescribeDhcpOptions.Bind(s.DescribeDhcpOptions),

		// subnets
		ec2api.CreateSubnet.Bind(s.CreateSubnet),
		ec2api.CreateDefaultSubnet.Bind(s.CreateDefaultSubnet),
		ec2api.DeleteSubnet.Bind(s.DeleteSubnet),
		ec2api.DescribeSubnets.Bind(s.DescribeSubnets),
		ec2api.ModifySubnetAttribute.Bind(s.ModifySubnetAttribute),

		// routes
		ec2api.CreateRouteTable.Bind(s.CreateRouteTable),
		ec2api.DeleteRouteTable.Bind(s.DeleteRouteTable),
		ec2api.DescribeRouteTables.Bind(s.DescribeRouteTables),
		ec2api.AssociateRouteTable.Bind(s.AssociateRouteTable),
		ec2api.DisassociateRouteTable.Bind(s.DisassociateRouteTable),
		ec2api.ReplaceRouteTableAssociation.Bind(s.ReplaceRouteTableAssociation),
		ec2api.CreateRoute.Bind(s.CreateRoute),
		ec2api.ReplaceRoute.Bind(s.ReplaceRoute),
		ec2api.DeleteRoute.Bind(s.DeleteRoute),

		// ways out
		ec2api.CreateInternetGateway.Bind(s.CreateInternetGateway),
		ec2api.DeleteInternetGateway.Bind(s.DeleteInternetGateway),
		ec2api.DescribeInternetGateways.Bind(s.DescribeInternetGateways),
		ec2api.AttachInternetGateway.Bind(s.AttachInternetGateway),
		ec2api.DetachInternetGateway.Bind(s.DetachInternetGateway),
		ec2api.CreateNatGateway.Bind(s.CreateNatGateway),
		ec2api.DeleteNatGateway.Bind(s.DeleteNatGateway),
		ec2api.DescribeNatGateways.Bind(s.DescribeNatGateways),

		// Elastic IP addresses
		ec2api.AllocateAddress.Bind(s.AllocateAddress),
		ec2api.ReleaseAddress.Bind(s.ReleaseAddress),
		ec2api.AssociateAddress.Bind(s.AssociateAddress),
		ec2api.DisassociateAddress.Bind(s.DisassociateAddress),
		ec2api.DescribeAddresses.Bind(s.DescribeAddresses),
		ec2api.DescribeAddressesAttribute.Bind(s.DescribeAddressesAttribute),

		// network interfaces
		ec2api.CreateNetworkInterface.Bind(s.CreateNetworkInterface),
		ec2api.DeleteNetworkInterface.Bind(s.DeleteNetworkInterface),
		ec2api.DescribeNetworkInterfaces.Bind(s.DescribeNetworkInterfaces),
		ec2api.DescribeNetworkInterfaceAttribute.Bind(s.DescribeNetworkInterfaceAttribute),
		ec2api.ModifyNetworkInterfaceAttribute.Bind(s.ModifyNetworkInterfaceAttribute),
		ec2api.ResetNetworkInterfaceAttribute.Bind(s.ResetNetworkInterfaceAttribute),
		ec2api.AttachNetworkInterface.Bind(s.AttachNetworkInterface),
		ec2api.DetachNetworkInterface.Bind(s.DetachNetworkInterface),

		// security groups
		ec2api.CreateSecurityGroup.Bind(s.CreateSecurityGroup),
		ec2api.DeleteSecurityGroup.Bind(s.DeleteSecurityGroup),
		ec2api.DescribeSecurityGroups.Bind(s.DescribeSecurityGroups),
		ec2api.DescribeSecurityGroupReferences.Bind(s.DescribeSecurityGroupReferences),
		ec2api.GetSecurityGroupsForVpc.Bind(s.GetSecurityGroupsForVpc),
		ec2api.AuthorizeSecurityGroupIngress.Bind(s.AuthorizeSecurityGroupIngress),
		ec2api.AuthorizeSecurityGroupEgress.Bind(s.AuthorizeSecurityGroupEgress),
		ec2api.RevokeSecurityGroupIngress.Bind(s.RevokeSecurityGroupIngress),
		ec2api.RevokeSecurityGroupEgress.Bind(s.RevokeSecurityGroupEgress),
		ec2api.DescribeSecurityGroupRules.Bind(s.DescribeSecurityGroupRules),
		ec2api.ModifySecurityGroupRules.Bind(s.ModifySecurityGroupRules),
		ec2api.UpdateSecurityGroupRuleDescriptionsIngress.Bind(s.UpdateSecurityGroupRuleDescriptionsIngress),
		ec2api.UpdateSecurityGroupRuleDescriptionsEgress.Bind(s.UpdateSecurityGroupRuleDescriptionsEgress),

		// prefix lists
		ec2api.CreateManagedPrefixList.Bind(s.CreateManagedPrefixList),
		ec2api.DeleteManagedPrefixList.Bind(s.DeleteManagedPrefixList),
		ec2api.DescribeManagedPrefixLists.Bind(s.DescribeManagedPrefixLists),
		ec2api.DescribePrefixLists.Bind(s.DescribePrefixLists),
		ec2api.GetManagedPrefixListEntries.Bind(s.GetManagedPrefixListEntries),
		ec2api.GetManagedPrefixListAssociations.Bind(s.GetManagedPrefixListAssociations),
		ec2api.ModifyManagedPrefixList.Bind(s.ModifyManagedPrefixList),
		ec2api.RestoreManagedPrefixListVersion.Bind(s.RestoreManagedPrefixListVersion),

		// the account, its regions and its tags
		ec2api.DescribeAccountAttributes.Bind(s.DescribeAccountAttributes),
		ec2api.DescribeAvailabilityZones.Bind(s.DescribeAvailabilityZones),
		ec2api.DescribeRegions.Bind(s.DescribeRegions),
		ec2api.DescribeInstances.Bind(s.DescribeInstances),
		ec2api.CreateTags.Bind(s.CreateTags),
		ec2api.DeleteTags.Bind(s.DeleteTags),
		ec2api.DescribeTags.Bind(s.DescribeTags),
	}
}

// caller is a request's transaction and whose it is.
type caller struct {
	*network.Network
	tx    *state.Tx
	call  *aws.Call
	scope network.Scope
}

func scopeOf(call *aws.Call) network.Scope {
	return network.Scope{Account: call.Account, Region: call.Region}
}

// errDryRun is how EC2 says that a request would do what it asks for.
var errDryRun = awserr.New("DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set.")

// change runs fn in a transaction. A dry run does the same and takes it back.
func (s *Service) change(ctx context.Context, dryRun *bool, fn func(c caller) error) error {
	call := aws.From(ctx)
	return s.store.Update(ctx, func(tx *state.Tx) error {
		c := caller{s.net, tx, call, scopeOf(call)}
		if _, err := s.net.Home(tx, c.scope); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		if aws.Val(dryRun) {
			return errDryRun
		}
		return nil
	})
}

// view gives a snapshot that has at least what AWS gives a new account.
func (s *Service) view(ctx context.Context, dryRun *bool) (caller, error) {
	call := aws.From(ctx)
	if aws.Val(dryRun) {
		return caller{}, errDryRun
	}
	c := caller{s.net, s.store.View(), call, scopeOf(call)}
	if s.net.AtHome(c.tx, c.scope) {
		return c, nil
	}
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		_, err := s.net.Home(tx, c.scope)
		return err
	})
	c.tx = s.store.View()
	return c, err
}

// invalid is the error for a parameter's value.
func invalid(format string, args ...any) error { return network.ErrInvalid.New(format, args...) }

// missing is the error for a parameter that is needed here, though not always.
func missing(parameter string) error {
	return network.ErrMissing.New("The request must contain the parameter %s", parameter)
}

// filled is a list that is there even when it is empty: EC2 writes an element for most of its empty lists, and clients count on the key.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
