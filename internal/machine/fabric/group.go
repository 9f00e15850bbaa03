package fabric

import (
	"iter"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"

	"github.com/neargate/neargate/internal/network"
)

// group is a security group: a set of its members' addresses, a chain that admits what its ingress rules admit, and one for egress.
//
// A group comes into being when it is first named, by a rule, an ENI or EnsureGroup. Until it is ensured, and after it was deleted while
// still being named, it is empty.
type group struct {
	id      string
	ensured bool
	members map[netip.Addr]uint64 // value: round in which it was last stated
	round   uint64
	sides   [2]side // ingress, egress
	named   int     // times it is named by other groups' rules and by profiles
}

// side is one of a group's two lists of rules.
type side struct {
	rules       []network.Rule // as last ensured; nil when read back from the kernel
	fingerprint string
	references  []string
}

var directions = [2]direction{ingress, egress}

func memberSet(group string) *nftables.Set { return addressSet("members_" + group) }

func (d direction) chain(group string) *nftables.Chain {
	return &nftables.Chain{Table: vpcTable, Name: d.name + "_" + group}
}

// ensureGroup queues what makes the group as stated.
func (f *filter) ensureGroup(c network.GroupConfig) {
	g := f.group(c.ID)
	g.ensured = true
	delete(f.deleted, c.ID)
	f.setMembers(g, c.Members)
	for i, rules := range [2][]network.Rule{c.Ingress, c.Egress} {
		f.setRules(g, i, rules)
	}
}

// deleteGroup queues the group's end: at once if nobody names it, else when the last one that does stops.
func (f *filter) deleteGroup(id string) {
	g, ok := f.groups[id]
	if !ok {
		return
	}
	g.ensured = false
	f.setMembers(g, nil)
	for i := range directions {
		f.setRules(g, i, nil)
	}
	f.deleted[id] = true
}

// group finds a group or queues its making.
func (f *filter) group(id string) *group {
	g, ok := f.groups[id]
	if ok {
		return g
	}
	g = &group{id: id, members: map[netip.Addr]uint64{}}
	f.groups[id] = g
	if err := f.conn.AddSet(memberSet(id), nil); err != nil && f.err == nil {
		f.err = err
	}
	for _, d := range directions {
		f.conn.AddChain(d.chain(id))
	}
	return g
}

// removeDeleted queues the removal of deleted groups that nobody names any more. It comes last in a transaction, when all that named
// them is gone.
func (f *filter) removeDeleted() {
	for id := range f.deleted {
		f.dropUnusedProfiles(id)
	}
	for id := range f.deleted {
		if f.groups[id].named > 0 {
			continue
		}
		for _, d := range directions {
			f.conn.DelChain(d.chain(id))
		}
		f.conn.DelSet(memberSet(id))
		delete(f.groups, id)
		delete(f.deleted, id)
	}
}

// release takes back a name given to the group. One that only came into being by being named ends with its last name.
func (f *filter) release(id string) {
	g := f.groups[id]
	g.named--
	if !g.ensured {
		f.deleted[id] = true
	}
}

// setMembers queues the difference. Its cost beyond that is one look at each member.
func (f *filter) setMembers(g *group, addrs []netip.Addr) {
	g.round++
	var added, gone []netip.Addr
	stated := 0
	for _, a := range addrs {
		round, known := g.members[a]
		if known && round == g.round {
			continue // stated twice
		}
		stated++
		g.members[a] = g.round
		if !known {
			added = append(added, a)
		}
	}
	if len(g.members) > stated {
		for a, round := range g.members {
			if round != g.round {
				gone = append(gone, a)
				delete(g.members, a)
			}
		}
	}
	f.remove(memberSet(g.id), addressElements(slices.Values(gone))...)
	f.add(memberSet(g.id), addressElements(slices.Values(added))...)
}

// changeMembers queues who joined and who left.
func (f *filter) changeMembers(g *group, joined, left []netip.Addr) {
	var added, gone []netip.Addr
	for _, a := range left {
		if _, known := g.members[a]; known {
			delete(g.members, a)
			gone = append(gone, a)
		}
	}
	for _, a := range joined {
		if _, known := g.members[a]; !known {
			g.members[a] = g.round
			added = append(added, a)
		}
	}
	f.remove(memberSet(g.id), addressElements(slices.Values(gone))...)
	f.add(memberSet(g.id), addressElements(slices.Values(added))...)
}

// setRules queues the replacement of one of a group's chains, if its rules changed. In between no packet sees a half of them.
func (f *filter) setRules(g *group, i int, rules []network.Rule) {
	s, d := &g.sides[i], directions[i]
	if s.rules != nil && reflect.DeepEqual(s.rules, rules) {
		return
	}
	s.rules = cloneRules(rules)
	all := compile(d, rules)
	print := fingerprint(all)
	if print == s.fingerprint {
		return
	}
	before := s.references
	s.fingerprint, s.references = print, nil
	if print != "" {
		s.references = references(rules)
	}
	for _, id := range s.references { // first name the new ones, so that a group in both lists is not removed and made again
		f.group(id).named++
	}
	chain := d.chain(g.id)
	f.conn.FlushChain(chain)
	for n, r := range all {
		if r.set != nil {
			if err := f.conn.AddSet(r.set, r.elements); err != nil && f.err == nil {
				f.err = err
			}
		}
		rule := &nftables.Rule{Table: vpcTable, Chain: chain, Exprs: r.exprs}
		if n == 0 {
			rule.UserData = userdata.AppendString(nil, userdata.TypeComment, print)
		}
		f.conn.AddRule(rule)
	}
	for _, id := range before {
		f.release(id)
	}
}

// cloneRules is deep, because the caller may reuse its slices, and never nil, because nil stands for unknown.
func cloneRules(rules []network.Rule) []network.Rule {
	c := make([]network.Rule, len(rules))
	for i, r := range rules {
		r.CIDRs, r.Groups = slices.Clone(r.CIDRs), slices.Clone(r.Groups)
		c[i] = r
	}
	return c
}

func addressElements(addrs iter.Seq[netip.Addr]) []nftables.SetElement {
	var els []nftables.SetElement
	for a := range addrs {
		els = append(els, nftables.SetElement{Key: address(a)})
	}
	return els
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
