package fabric

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// profile is a combination of groups that some ENI has, or had: a chain for each direction, which asks one group after the other.
// An unused one stays until one of its groups goes, because what had a combination once will have it again.
type profile struct {
	number uint32
	groups []string // sorted
}

// unguarded stands in a profile for a group that admits everything.
const unguarded = "*"

// profileKey identifies a combination whatever order it is stated in.
func profileKey(groups []string) string { return strings.Join(groups, " ") }

func normalGroups(groups []string) []string {
	g := slices.Clone(groups)
	slices.Sort(g)
	return slices.Compact(g)
}

func (d direction) profileChain(number uint32) *nftables.Chain {
	return &nftables.Chain{Table: vpcTable, Name: "profile_" + d.name + "_" + strconv.FormatUint(uint64(number), 10)}
}

func (d direction) profiles() *nftables.Set {
	if d == ingress {
		return ingressMap
	}
	return egressMap
}

// profileOf finds the combination's number or queues its making.
func (f *filter) profileOf(groups []string) uint32 {
	groups = normalGroups(groups)
	key := profileKey(groups)
	if p, ok := f.profiles[key]; ok {
		return p.number
	}
	f.last++
	p := &profile{number: f.last, groups: groups}
	f.profiles[key] = p
	for _, id := range groups {
		if id != unguarded {
			f.group(id).named++
		}
	}
	for _, d := range directions {
		chain := f.conn.AddChain(d.profileChain(p.number))
		for _, id := range groups {
			ask := jump(d.chain(id).Name)
			if id == unguarded {
				ask = verdict(expr.VerdictAccept)
			}
			f.conn.AddRule(&nftables.Rule{Table: vpcTable, Chain: chain, Exprs: []expr.Any{ask}})
		}
		f.add(d.profiles(), profileElement(d, p.number))
	}
	return p.number
}

func profileElement(d direction, n uint32) nftables.SetElement {
	return nftables.SetElement{Key: number(n), VerdictData: gotoChain(d.profileChain(n).Name)}
}

// dropUnusedProfiles queues the removal of combinations with the group that no ENI has.
func (f *filter) dropUnusedProfiles(group string) {
	used := map[uint32]bool{}
	for _, b := range f.bindings {
		used[b.profile] = true
	}
	for _, key := range sortedKeys(f.profiles) {
		p := f.profiles[key]
		if used[p.number] || !slices.Contains(p.groups, group) {
			continue
		}
		delete(f.profiles, key)
		for _, d := range directions {
			f.remove(d.profiles(), profileElement(d, p.number))
			f.conn.DelChain(d.profileChain(p.number))
		}
		for _, id := range p.groups {
			f.release(id)
		}
	}
}
