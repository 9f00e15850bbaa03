package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) dhcpOptions(id string) (*network.DHCPOptions, error) {
	return c.DHCPOptionsSet(c.tx, c.scope, id)
}

var dhcpFilters = filters[*network.DHCPOptions]{
	"dhcp-options-id": one(func(d *network.DHCPOptions) string { return d.ID }),
	"owner-id":        one(func(d *network.DHCPOptions) string { return d.Account }),
	"key":             func(*network.DHCPOptions) []string { return []string{"domain-name", "domain-name-servers"} },
	"value":           func(d *network.DHCPOptions) []string { return []string{d.DomainName, d.DomainServers} },
}

// DescribeDhcpOptions lists DHCP options sets, of which there is the region's default one.
func (s *Service) DescribeDhcpOptions(ctx context.Context, in *ec2api.DescribeDhcpOptionsInput) (*ec2api.DescribeDhcpOptionsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.DHCPOptions]{
		all: c.DHCPOptions.By(c.tx, "scope", c.scope.Key()), filters: dhcpFilters, tags: c.tagMap,
		id: func(d *network.DHCPOptions) string { return d.ID }, get: c.dhcpOptions,
		ids: in.DhcpOptionsIds, parameter: "dhcpOptionsIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeDhcpOptionsOutput{DhcpOptions: []ec2api.DhcpOptions{}, NextToken: next}
	for _, d := range rows {
		out.DhcpOptions = append(out.DhcpOptions, ec2api.DhcpOptions{
			DhcpOptionsId: new(d.ID), OwnerId: new(d.Account), Tags: filled(c.tagsOf(d.ID)),
			DhcpConfigurations: []ec2api.DhcpConfiguration{
				{Key: new("domain-name"), Values: []ec2api.AttributeValue{{Value: new(d.DomainName)}}},
				{Key: new("domain-name-servers"), Values: []ec2api.AttributeValue{{Value: new(d.DomainServers)}}},
			},
		})
	}
	return out, nil
}
