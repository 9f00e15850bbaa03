package ec2

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
)

// TestEveryDescribeKnowsItsFilters calls all operations that take filters with one that does not exist, and with tag filters.
func TestEveryDescribeKnowsItsFilters(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	for _, b := range f.Operations() {
		in := b.New()
		list := reflect.ValueOf(in).Elem().FieldByName("Filters")
		if !list.IsValid() {
			list = reflect.ValueOf(in).Elem().FieldByName("Filter")
		}
		if !list.IsValid() {
			continue
		}
		if id := reflect.ValueOf(in).Elem().FieldByName("VpcId"); id.IsValid() {
			id.Set(reflect.ValueOf(&vpc))
		}
		list.Set(reflect.ValueOf(filter("colour", "red")))
		_, err := b.Call(f.ctx, in)
		if want := "InvalidParameterValue: The filter 'colour' is invalid"; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", b.Info.Name, err, want)
		}
	}
}

func TestFilters(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	subnet, other := f.subnet(vpc, "10.0.0.0/24"), f.subnet(vpc, "10.0.1.0/24")
	group := f.group(vpc, "web")
	idle, used := f.eni(subnet, group), f.attached(other)
	do(f, f.CreateTags, &ec2api.CreateTagsInput{Resources: []string{idle}, Tags: []ec2api.Tag{{Key: new("Name"), Value: new("first one")}}})
	for _, c := range []struct {
		filters []ec2api.Filter
		want    []string
	}{
		{filter("vpc-id", vpc), []string{idle, used.ID}},
		{filter("subnet-id", subnet), []string{idle}},
		{filter("subnet-id", subnet, other), []string{idle, used.ID}},
		{filter("group-id", group), []string{idle}},
		{filter("group-name", "web", "db"), []string{idle}},
		{filter("status", "in-use"), []string{used.ID}},
		{filter("requester-id", "amazon-*"), []string{used.ID}},
		{filter("attachment.instance-owner-id", "amazon-elb"), []string{used.ID}},
		{filter("association.public-ip", used.PublicIP.String()), []string{used.ID}},
		{filter("addresses.private-ip-address", used.PrivateIP.String()), []string{used.ID}},
		{filter("tag:Name", "first*"), []string{idle}},
		{filter("tag-key", "Name"), []string{idle}},
		{append(filter("vpc-id", vpc), filter("tag:Name", "second")...), nil},
		{append(filter("group-id", group), filter("subnet-id", other)...), nil},
		{filter("description"), nil},
	} {
		var got []string
		for _, i := range do(f, f.DescribeNetworkInterfaces, &ec2api.DescribeNetworkInterfacesInput{Filters: c.filters}).NetworkInterfaces {
			got = append(got, *i.NetworkInterfaceId)
		}
		if !sameSet(got, c.want) {
			t.Errorf("%s: %v, want %v", show(c.filters), got, c.want)
		}
	}
}

func show(filters []ec2api.Filter) string {
	var b strings.Builder
	for _, f := range filters {
		fmt.Fprintf(&b, "%s=%v ", *f.Name, f.Values)
	}
	return b.String()
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestPages(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	for i := range 12 {
		f.subnet(vpc, fmt.Sprintf("10.0.%d.0/24", i))
	}
	seen := map[string]bool{}
	var token *string
	for pages := 0; ; pages++ {
		out := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{Filters: filter("vpc-id", vpc), MaxResults: new(int32(5)), NextToken: token})
		if len(out.Subnets) > 5 {
			t.Fatal("page of", len(out.Subnets))
		}
		for _, s := range out.Subnets {
			if seen[*s.SubnetId] {
				t.Error("seen twice:", *s.SubnetId)
			}
			seen[*s.SubnetId] = true
		}
		if token = out.NextToken; token == nil {
			if pages != 2 {
				t.Error("pages:", pages+1)
			}
			break
		}
	}
	if len(seen) != 12 {
		t.Error("seen:", len(seen))
	}
	if all := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{Filters: filter("vpc-id", vpc)}); len(all.Subnets) != 12 || all.NextToken != nil {
		t.Error("without pages:", len(all.Subnets), all.NextToken)
	}
}

func TestDryRunsChangeNothing(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	fails(f, f.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &vpc, CidrBlock: new("10.0.0.0/24"), DryRun: new(true)}, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	fails(f, f.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &vpc, CidrBlock: new("10.1.0.0/24"), DryRun: new(true)}, "InvalidSubnet.Range", "")
	fails(f, f.DeleteVpc, &ec2api.DeleteVpcInput{VpcId: &vpc, DryRun: new(true)}, "DryRunOperation", "")
	fails(f, f.DescribeVpcs, &ec2api.DescribeVpcsInput{DryRun: new(true)}, "DryRunOperation", "")
	if got := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{Filters: filter("vpc-id", vpc)}).Subnets; len(got) != 0 {
		t.Error("the dry run made", got)
	}
}

func TestClientTokens(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	subnet := f.subnet(vpc, "10.0.0.0/24")
	in := &ec2api.CreateNetworkInterfaceInput{SubnetId: &subnet, ClientToken: new("t1")}
	first, second := do(f, f.CreateNetworkInterface, in), do(f, f.CreateNetworkInterface, in)
	if *first.NetworkInterface.NetworkInterfaceId != *second.NetworkInterface.NetworkInterfaceId {
		t.Error("two interfaces for one token")
	}
	fails(f, f.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &subnet, ClientToken: new("t1"), Description: new("x")}, "IdempotentParameterMismatch", "")
}
