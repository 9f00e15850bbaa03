package ec2

import (
	"context"
	"net/netip"
	"strconv"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

func (c caller) networkInterface(i *network.Interface) ec2api.NetworkInterface {
	private := ec2api.NetworkInterfacePrivateIpAddress{
		Primary: new(true), PrivateIpAddress: new(i.PrivateIP.String()), Association: c.association(i),
	}
	if name := c.privateName(i); name != "" {
		private.PrivateDnsName = new(name)
	}
	return ec2api.NetworkInterface{
		NetworkInterfaceId: new(i.ID), OwnerId: new(i.Account), VpcId: new(i.VPCID), SubnetId: new(i.SubnetID),
		AvailabilityZone: new(i.Zone), AvailabilityZoneId: new(i.ZoneID), InterfaceType: new(i.Type), Description: new(i.Description),
		MacAddress: new(i.MAC), PrivateIpAddress: private.PrivateIpAddress, PrivateDnsName: private.PrivateDnsName,
		PrivateIpAddresses: []ec2api.NetworkInterfacePrivateIpAddress{private}, Association: private.Association,
		Attachment: attachment(i), Groups: filled(c.groupIdentifiers(i.Groups)), Status: new(status(i)),
		RequesterId: optional(i.RequesterID), RequesterManaged: new(i.RequesterManaged), SourceDestCheck: new(i.SourceDestCheck),
		Operator: &ec2api.OperatorResponse{Managed: new(false)}, TagSet: filled(c.tagsOf(i.ID)),
		Ipv6Addresses: []ec2api.NetworkInterfaceIpv6Address{},
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func status(i *network.Interface) string {
	if i.Attachment != nil {
		return "in-use"
	}
	return "available"
}

func attachment(i *network.Interface) *ec2api.NetworkInterfaceAttachment {
	if i.Attachment == nil {
		return nil
	}
	return &ec2api.NetworkInterfaceAttachment{
		AttachmentId: new(i.Attachment.ID), AttachTime: new(i.Attachment.Since), InstanceOwnerId: new(i.Attachment.OwnerID),
		DeviceIndex: new(int32(1)), NetworkCardIndex: new(int32(0)), DeleteOnTermination: new(false), Status: new("attached"),
	}
}

// addressOwner is whose public address an interface has.
func addressOwner(i *network.Interface) string {
	switch {
	case i.AllocationID != "":
		return i.Account
	case i.RequesterID == "amazon-elb":
		return i.RequesterID
	}
	return "amazon"
}

func (c caller) association(i *network.Interface) *ec2api.NetworkInterfaceAssociation {
	if !i.PublicIP.IsValid() {
		return nil
	}
	out := &ec2api.NetworkInterfaceAssociation{
		PublicIp: new(i.PublicIP.String()), IpOwnerId: new(addressOwner(i)),
		AllocationId: optional(i.AllocationID), AssociationId: optional(i.AssociationID),
	}
	if c.hostnames(i) {
		out.PublicDnsName = new(network.PublicDNSName(i.Region, i.PublicIP))
	}
	return out
}

// hostnames says whether addresses of the interface's VPC have public names.
func (c caller) hostnames(i *network.Interface) bool {
	v, ok := c.VPCs.Get(c.tx, i.VPCID)
	return ok && v.DNSHostnames
}

func (c caller) privateName(i *network.Interface) string {
	if v, ok := c.VPCs.Get(c.tx, i.VPCID); ok && v.DNSSupport && v.DNSHostnames {
		return network.PrivateDNSName(i.Region, i.PrivateIP)
	}
	return ""
}

func (c caller) groupIdentifiers(ids []string) []ec2api.GroupIdentifier {
	var out []ec2api.GroupIdentifier
	for _, id := range ids {
		if g, ok := c.Groups.Get(c.tx, id); ok {
			out = append(out, ec2api.GroupIdentifier{GroupId: new(id), GroupName: new(g.Name)})
		}
	}
	return out
}

// primaryAddress is the one private address asked for, under either parameter.
func primaryAddress(in *ec2api.CreateNetworkInterfaceInput) (netip.Addr, error) {
	asked := in.PrivateIpAddress
	for _, p := range in.PrivateIpAddresses {
		if asked != nil && aws.Val(p.PrivateIpAddress) != *asked || len(in.PrivateIpAddresses) > 1 {
			return netip.Addr{}, refuse("CreateNetworkInterface", field{"PrivateIpAddresses with secondary addresses", true})
		}
		asked = p.PrivateIpAddress
	}
	return optionalAddress(asked, "privateIpAddress")
}

// CreateNetworkInterface makes an interface that nothing is attached to.
func (s *Service) CreateNetworkInterface(ctx context.Context, in *ec2api.CreateNetworkInterfaceInput) (*ec2api.CreateNetworkInterfaceOutput, error) {
	if err := refuse("CreateNetworkInterface", some("Ipv4Prefixes", in.Ipv4Prefixes), has("Ipv4PrefixCount", in.Ipv4PrefixCount),
		some("Ipv6Prefixes", in.Ipv6Prefixes), has("Ipv6PrefixCount", in.Ipv6PrefixCount), has("EnablePrimaryIpv6", in.EnablePrimaryIpv6),
		given("ConnectionTrackingSpecification", in.ConnectionTrackingSpecification), given("Operator", in.Operator),
		has("SecondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount), some("Ipv6Addresses", in.Ipv6Addresses),
		has("Ipv6AddressCount", in.Ipv6AddressCount)); err != nil {
		return nil, err
	}
	if t := aws.Val(in.InterfaceType); t != "" && t != network.TypeInterface {
		return nil, refuse("CreateNetworkInterface", field{"InterfaceType " + t, true})
	}
	private, err := primaryAddress(in)
	if err != nil {
		return nil, err
	}
	var out *ec2api.CreateNetworkInterfaceOutput
	err = s.change(ctx, in.DryRun, func(c caller) (err error) {
		out, err = idem.Do(c.tx, s.tokens, c.call, in.ClientToken, in, func() (*ec2api.CreateNetworkInterfaceOutput, error) {
			i, err := c.CreateInterface(c.tx, network.InterfaceSpec{
				Account: c.scope.Account, Region: c.scope.Region, SubnetID: *in.SubnetId, GroupIDs: in.Groups, PrivateIP: private,
				Description: aws.Val(in.Description), RequesterID: c.call.Account, Idle: true,
			})
			if err != nil {
				return nil, err
			}
			if err := c.created(in.TagSpecifications, "network-interface", i.ID); err != nil {
				return nil, err
			}
			return &ec2api.CreateNetworkInterfaceOutput{NetworkInterface: new(c.networkInterface(i)), ClientToken: in.ClientToken}, nil
		})
		return err
	})
	return out, err
}

// DeleteNetworkInterface deletes an interface that nothing is attached to.
func (s *Service) DeleteNetworkInterface(ctx context.Context, in *ec2api.DeleteNetworkInterfaceInput) (*ec2api.DeleteNetworkInterfaceOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		return c.DeleteIdleInterface(c.tx, c.scope, *in.NetworkInterfaceId)
	})
}

// AttachNetworkInterface finds no instance to attach to.
func (s *Service) AttachNetworkInterface(ctx context.Context, in *ec2api.AttachNetworkInterfaceInput) (*ec2api.AttachNetworkInterfaceOutput, error) {
	c, err := s.view(ctx, nil)
	if err != nil {
		return nil, err
	}
	if _, err := c.NetworkInterface(c.tx, c.scope, *in.NetworkInterfaceId); err != nil {
		return nil, err
	}
	return nil, noInstance(*in.InstanceId)
}

// DetachNetworkInterface refuses: all attachments belong to services.
func (s *Service) DetachNetworkInterface(ctx context.Context, in *ec2api.DetachNetworkInterfaceInput) (*ec2api.DetachNetworkInterfaceOutput, error) {
	c, err := s.view(ctx, nil)
	if err != nil {
		return nil, err
	}
	for i := range c.Interfaces.By(c.tx, "scope", c.scope.Key()) {
		if i.Attachment != nil && i.Attachment.ID == *in.AttachmentId {
			return nil, network.ErrNotPermitted.New("You are not allowed to manage 'ela-attach' attachments.")
		}
	}
	return nil, network.ErrAttachmentNotFound.New("The networkInterfaceAttachment ID '%s' does not exist", *in.AttachmentId)
}

func (c caller) interfaceFilters() filters[*network.Interface] {
	type row = *network.Interface
	ofAttachment := func(value func(*network.Attachment) string) func(row) []string {
		return one(func(i row) string {
			if i.Attachment == nil {
				return ""
			}
			return value(i.Attachment)
		})
	}
	ofPublic := func(value func(row) string) func(row) []string {
		return one(func(i row) string {
			if !i.PublicIP.IsValid() {
				return ""
			}
			return value(i)
		})
	}
	privateIP := one(func(i row) string { return i.PrivateIP.String() })
	privateName := one(c.privateName)
	publicIP := ofPublic(func(i row) string { return i.PublicIP.String() })
	owner := ofPublic(addressOwner)
	return filters[row]{
		"network-interface-id": one(func(i row) string { return i.ID }),
		"owner-id":             one(func(i row) string { return i.Account }),
		"vpc-id":               one(func(i row) string { return i.VPCID }),
		"subnet-id":            one(func(i row) string { return i.SubnetID }),
		"availability-zone":    one(func(i row) string { return i.Zone }),
		"availability-zone-id": one(func(i row) string { return i.ZoneID }),
		"description":          func(i row) []string { return []string{i.Description} },
		"interface-type":       one(func(i row) string { return i.Type }),
		"mac-address":          one(func(i row) string { return i.MAC }),
		"status":               one(status),
		"requester-id":         one(func(i row) string { return i.RequesterID }),
		"requester-managed":    yes(func(i row) bool { return i.RequesterManaged }),
		"source-dest-check":    yes(func(i row) bool { return i.SourceDestCheck }),
		"operator.managed":     fixed[row]("false"),
		"operator.principal":   none[row],
		"group-id":             func(i row) []string { return i.Groups },
		"group-name": func(i row) (out []string) {
			for _, g := range c.groupIdentifiers(i.Groups) {
				out = append(out, *g.GroupName)
			}
			return out
		},
		"private-ip-address":              privateIP,
		"addresses.private-ip-address":    privateIP,
		"addresses.primary":               fixed[row]("true"),
		"private-dns-name":                privateName,
		"addresses.association.public-ip": publicIP,
		"association.public-ip":           publicIP,
		"addresses.association.owner-id":  owner,
		"association.ip-owner-id":         owner,
		"association.allocation-id":       one(func(i row) string { return i.AllocationID }),
		"association.association-id":      one(func(i row) string { return i.AssociationID }),
		"association.public-dns-name": ofPublic(func(i row) string {
			if !c.hostnames(i) {
				return ""
			}
			return network.PublicDNSName(i.Region, i.PublicIP)
		}),
		"attachment.attachment-id":         ofAttachment(func(a *network.Attachment) string { return a.ID }),
		"attachment.instance-owner-id":     ofAttachment(func(a *network.Attachment) string { return a.OwnerID }),
		"attachment.status":                ofAttachment(func(*network.Attachment) string { return "attached" }),
		"attachment.device-index":          ofAttachment(func(*network.Attachment) string { return strconv.Itoa(1) }),
		"attachment.delete-on-termination": ofAttachment(func(*network.Attachment) string { return "false" }),
		"attachment.attach-time":           ofAttachment(func(a *network.Attachment) string { return a.Since.Format("2006-01-02T15:04:05.000Z") }),
		"attachment.instance-id":           none[row],
		"ipv6-addresses.ipv6-address":      none[row],
	}
}

// DescribeNetworkInterfaces lists interfaces, those of tasks and load balancers among them.
func (s *Service) DescribeNetworkInterfaces(ctx context.Context, in *ec2api.DescribeNetworkInterfacesInput) (*ec2api.DescribeNetworkInterfacesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	// Another account's rows may come from these indexes only under an id that the filter would have to name.
	all := c.Interfaces.By(c.tx, "scope", c.scope.Key())
	for _, by := range []struct{ filter, index string }{{"group-id", "group"}, {"subnet-id", "subnet"}, {"vpc-id", "vpc"}} {
		if id, ok := exact(in.Filters, by.filter); ok {
			all = ofScope(c.Interfaces, c, by.index, id)
			break
		}
	}
	rows, next, err := listing[*network.Interface]{
		all: all, filters: c.interfaceFilters(), tags: c.tagMap, id: func(i *network.Interface) string { return i.ID },
		get: func(id string) (*network.Interface, error) { return c.NetworkInterface(c.tx, c.scope, id) },
		ids: in.NetworkInterfaceIds, parameter: "networkInterfaceIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeNetworkInterfacesOutput{NetworkInterfaces: []ec2api.NetworkInterface{}, NextToken: next}
	for _, i := range rows {
		out.NetworkInterfaces = append(out.NetworkInterfaces, c.networkInterface(i))
	}
	return out, nil
}

// ofScope are the interfaces that an index lists, without those of other accounts.
func ofScope(t *state.Table[network.Interface], c caller, index, value string) func(func(*network.Interface) bool) {
	return func(yield func(*network.Interface) bool) {
		for i := range t.By(c.tx, index, value) {
			if i.Scope == c.scope && !yield(i) {
				return
			}
		}
	}
}

// DescribeNetworkInterfaceAttribute tells one attribute of an interface.
func (s *Service) DescribeNetworkInterfaceAttribute(ctx context.Context, in *ec2api.DescribeNetworkInterfaceAttributeInput) (*ec2api.DescribeNetworkInterfaceAttributeOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	i, err := c.NetworkInterface(c.tx, c.scope, *in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeNetworkInterfaceAttributeOutput{NetworkInterfaceId: in.NetworkInterfaceId}
	switch aws.Val(in.Attribute) {
	case ec2api.NetworkInterfaceAttributeDescription:
		out.Description = &ec2api.AttributeValue{Value: new(i.Description)}
	case ec2api.NetworkInterfaceAttributeGroupSet:
		out.Groups = c.groupIdentifiers(i.Groups)
	case ec2api.NetworkInterfaceAttributeSourceDestCheck:
		out.SourceDestCheck = &ec2api.AttributeBooleanValue{Value: new(i.SourceDestCheck)}
	case ec2api.NetworkInterfaceAttributeAttachment:
		out.Attachment = attachment(i)
	case ec2api.NetworkInterfaceAttributeAssociatePublicIpAddress:
		out.AssociatePublicIpAddress = new(i.PublicIP.IsValid() && i.AllocationID == "")
	case "":
		return nil, missing("attribute")
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", *in.Attribute)
	}
	return out, nil
}

// ModifyNetworkInterfaceAttribute changes an interface of the user's own.
func (s *Service) ModifyNetworkInterfaceAttribute(ctx context.Context, in *ec2api.ModifyNetworkInterfaceAttributeInput) (*ec2api.ModifyNetworkInterfaceAttributeOutput, error) {
	if err := refuse("ModifyNetworkInterfaceAttribute", given("EnaSrdSpecification", in.EnaSrdSpecification), has("EnablePrimaryIpv6", in.EnablePrimaryIpv6),
		given("ConnectionTrackingSpecification", in.ConnectionTrackingSpecification), has("AssociatePublicIpAddress", in.AssociatePublicIpAddress),
		some("AssociatedSubnetIds", in.AssociatedSubnetIds)); err != nil {
		return nil, err
	}
	change := network.InterfaceChange{GroupIDs: in.Groups}
	if in.Description != nil {
		change.Description = new(aws.Val(in.Description.Value))
	}
	if in.SourceDestCheck != nil {
		change.SourceDestCheck = new(aws.Val(in.SourceDestCheck.Value))
	}
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		if in.Attachment != nil {
			if _, err := c.NetworkInterface(c.tx, c.scope, *in.NetworkInterfaceId); err != nil {
				return err
			}
			return network.ErrNotPermitted.New("You are not allowed to manage 'ela-attach' attachments.")
		}
		return c.ModifyInterface(c.tx, c.scope, *in.NetworkInterfaceId, change)
	})
}

// ResetNetworkInterfaceAttribute switches the source and destination check on again.
func (s *Service) ResetNetworkInterfaceAttribute(ctx context.Context, in *ec2api.ResetNetworkInterfaceAttributeInput) (*ec2api.ResetNetworkInterfaceAttributeOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		return c.ModifyInterface(c.tx, c.scope, *in.NetworkInterfaceId, network.InterfaceChange{SourceDestCheck: new(true)})
	})
}
