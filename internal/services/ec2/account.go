package ec2

import (
	"context"
	"slices"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/network"
)

// attributes are an account's attributes other than default-vpc: its quotas at AWS's defaults.
var attributes = []struct{ name, value string }{
	{"supported-platforms", "VPC"},
	{"vpc-max-security-groups-per-interface", "5"},
	{"max-elastic-ips", "5"},
	{"max-instances", "20"},
	{"vpc-max-elastic-ips", "5"},
}

// DescribeAccountAttributes tells what an account may have, and its default VPC.
func (s *Service) DescribeAccountAttributes(ctx context.Context, in *ec2api.DescribeAccountAttributesInput) (*ec2api.DescribeAccountAttributesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	defaultVPC := "none"
	if v, ok := c.DefaultVPC(c.tx, c.scope); ok {
		defaultVPC = v.ID
	}
	out := &ec2api.DescribeAccountAttributesOutput{AccountAttributes: []ec2api.AccountAttribute{}}
	show := func(name, value string) {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, name) {
			out.AccountAttributes = append(out.AccountAttributes, ec2api.AccountAttribute{
				AttributeName: new(name), AttributeValues: []ec2api.AccountAttributeValue{{AttributeValue: new(value)}},
			})
		}
	}
	for _, a := range attributes {
		show(a.name, a.value)
	}
	show("default-vpc", defaultVPC)
	return out, nil
}

var zoneFilters = filters[network.Zone]{
	"zone-name":        one(func(z network.Zone) string { return z.Name }),
	"zone-id":          one(func(z network.Zone) string { return z.ID }),
	"region-name":      one(func(z network.Zone) string { return z.Region }),
	"group-name":       one(network.Zone.Group),
	"zone-type":        fixed[network.Zone]("availability-zone"),
	"state":            fixed[network.Zone]("available"),
	"opt-in-status":    fixed[network.Zone]("opt-in-not-required"),
	"group-long-name":  none[network.Zone],
	"message":          none[network.Zone],
	"parent-zone-id":   none[network.Zone],
	"parent-zone-name": none[network.Zone],
}

// DescribeAvailabilityZones lists the region's zones. All of them are available to everybody.
func (s *Service) DescribeAvailabilityZones(ctx context.Context, in *ec2api.DescribeAvailabilityZonesInput) (*ec2api.DescribeAvailabilityZonesOutput, error) {
	if aws.Val(in.DryRun) {
		return nil, errDryRun
	}
	zones := network.Zones(aws.From(ctx).Region)
	var unknown []string
	for _, asked := range slices.Concat(in.ZoneNames, in.ZoneIds) {
		if !slices.ContainsFunc(zones, func(z network.Zone) bool { return z.Name == asked || z.ID == asked }) {
			unknown = append(unknown, asked)
		}
	}
	if len(unknown) > 0 {
		return nil, invalid("Invalid availability zones: [%s]", joined(unknown))
	}
	rows, _, err := listing[network.Zone]{
		all: slices.Values(zones), filters: zoneFilters, with: in.Filters, id: func(z network.Zone) string { return z.Name },
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeAvailabilityZonesOutput{AvailabilityZones: []ec2api.AvailabilityZone{}}
	for _, z := range rows {
		if len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.Name) || len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, z.ID) {
			continue
		}
		out.AvailabilityZones = append(out.AvailabilityZones, ec2api.AvailabilityZone{
			ZoneName: new(z.Name), ZoneId: new(z.ID), RegionName: new(z.Region), GroupName: new(z.Group()), NetworkBorderGroup: new(z.Region),
			Messages: []ec2api.AvailabilityZoneMessage{}, ZoneType: new("availability-zone"), State: new("available"), OptInStatus: new("opt-in-not-required"),
		})
	}
	return out, nil
}

// regionView is a region as one caller sees it.
type regionView struct{ name, endpoint, optIn string }

var regionFilters = filters[regionView]{
	"region-name":   one(func(r regionView) string { return r.name }),
	"endpoint":      one(func(r regionView) string { return r.endpoint }),
	"opt-in-status": one(func(r regionView) string { return r.optIn }),
}

// DescribeRegions lists the regions that are on for the account, or all. A region that one must opt in to is on for who calls it.
func (s *Service) DescribeRegions(ctx context.Context, in *ec2api.DescribeRegionsInput) (*ec2api.DescribeRegionsOutput, error) {
	if aws.Val(in.DryRun) {
		return nil, errDryRun
	}
	var views []regionView
	for _, r := range network.Regions() {
		v := regionView{r.Name, "ec2." + r.Name + ".amazonaws.com", "opt-in-not-required"}
		if r.OptIn {
			v.optIn = "not-opted-in"
			if r.Name == aws.From(ctx).Region {
				v.optIn = "opted-in"
			}
		}
		asked := slices.Contains(in.RegionNames, r.Name)
		if asked || len(in.RegionNames) == 0 && (v.optIn != "not-opted-in" || aws.Val(in.AllRegions)) {
			views = append(views, v)
		}
	}
	for _, name := range in.RegionNames {
		if !slices.ContainsFunc(views, func(v regionView) bool { return v.name == name }) {
			return nil, invalid("Invalid region names: [%s]", name)
		}
	}
	rows, _, err := listing[regionView]{
		all: slices.Values(views), filters: regionFilters, with: in.Filters, id: func(r regionView) string { return r.name },
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeRegionsOutput{Regions: []ec2api.Region{}}
	for _, r := range rows {
		out.Regions = append(out.Regions, ec2api.Region{RegionName: new(r.name), Endpoint: new(r.endpoint), OptInStatus: new(r.optIn)})
	}
	return out, nil
}
