package network

import (
	"slices"
	"strings"
)

// Region is an AWS region as DescribeRegions shows it.
type Region struct {
	Name  string
	zone  string // prefix of its zone ids
	zones string // letter and number of each zone: "a1b2c3"
	OptIn bool   // an account must opt in before it can use the region
}

// Zone is an availability zone.
type Zone struct{ Name, ID, Region string }

// regions are those of the aws partition. Letters and ids are what a new account commonly sees; AWS maps them per account.
var regions = []Region{
	{"af-south-1", "afs1", "a1b2c3", true},
	{"ap-east-1", "ape1", "a1b2c3", true},
	{"ap-northeast-1", "apne1", "a4c1d2", false},
	{"ap-northeast-2", "apne2", "a1b2c3d4", false},
	{"ap-northeast-3", "apne3", "a3b1c2", false},
	{"ap-south-1", "aps1", "a1b3c2", false},
	{"ap-south-2", "aps2", "a1b2c3", true},
	{"ap-southeast-1", "apse1", "a1b2c3", false},
	{"ap-southeast-2", "apse2", "a1b3c2", false},
	{"ap-southeast-3", "apse3", "a1b2c3", true},
	{"ap-southeast-4", "apse4", "a1b2c3", true},
	{"ap-southeast-5", "apse5", "a1b2c3", true},
	{"ap-southeast-7", "apse7", "a1b2c3", true},
	{"ca-central-1", "cac1", "a1b2d4", false},
	{"ca-west-1", "caw1", "a1b2c3", true},
	{"eu-central-1", "euc1", "a2b3c1", false},
	{"eu-central-2", "euc2", "a1b2c3", true},
	{"eu-north-1", "eun1", "a1b2c3", false},
	{"eu-south-1", "eus1", "a1b2c3", true},
	{"eu-south-2", "eus2", "a1b2c3", true},
	{"eu-west-1", "euw1", "a1b2c3", false},
	{"eu-west-2", "euw2", "a2b3c1", false},
	{"eu-west-3", "euw3", "a1b2c3", false},
	{"il-central-1", "ilc1", "a1b2c3", true},
	{"me-central-1", "mec1", "a1b2c3", true},
	{"me-south-1", "mes1", "a1b2c3", true},
	{"mx-central-1", "mxc1", "a1b2c3", true},
	{"sa-east-1", "sae1", "a1b2c3", false},
	{"us-east-1", "use1", "a1b2c3d4e5f6", false},
	{"us-east-2", "use2", "a1b2c3", false},
	{"us-west-1", "usw1", "a1c3", false},
	{"us-west-2", "usw2", "a1b2c3d4", false},
}

// Regions are all regions in order of name.
func Regions() []Region { return slices.Clone(regions) }

// Zones are the availability zones of a region. One that AWS does not have, or in another partition, gets three.
func Zones(region string) []Zone {
	i := slices.IndexFunc(regions, func(r Region) bool { return r.Name == region })
	if i < 0 {
		return zonesOf(Region{Name: region, zone: strings.ReplaceAll(region, "-", ""), zones: "a1b2c3"})
	}
	return zonesOf(regions[i])
}

func zonesOf(r Region) []Zone {
	var out []Zone
	for i := 0; i < len(r.zones); i += 2 {
		out = append(out, Zone{Name: r.Name + r.zones[i:i+1], ID: r.zone + "-az" + r.zones[i+1:i+2], Region: r.Name})
	}
	return out
}

// Group is the zone group's name, "us-east-1-zg-1" for all zones of a region.
func (z Zone) Group() string { return z.Region + "-zg-1" }

// zoneNames are the region's zones as error texts list them.
func zoneNames(region string) string {
	var names []string
	for _, z := range Zones(region) {
		names = append(names, z.Name)
	}
	return strings.Join(names, ", ")
}

// zone finds a zone of the region by name or id.
func zone(region, nameOrID string) (Zone, bool) {
	for _, z := range Zones(region) {
		if z.Name == nameOrID || z.ID == nameOrID {
			return z, true
		}
	}
	return Zone{}, false
}
