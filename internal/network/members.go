package network

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/state"
)

// MemberFabric is an ability of a Fabric: to be told who joined and left a group that it was told whole before. Without it the
// whole group is told again, which costs time in proportion to its members.
type MemberFabric interface {
	// ChangeMembers is idempotent: who joins may be a member already, who leaves may be none.
	ChangeMembers(ctx context.Context, vpc, group string, joined, left []netip.Addr) error
}

// membership counts who is in the groups that a router told the fabric about. Rows say it too, but reading them all costs time in
// proportion to a group's size at every change of one member.
//
// Members are counted by address. One that was given to a new interface before the end of its last owner was noticed is the new one's.
type membership struct {
	members map[string]map[netip.Addr]string // by group and address: the interface
	counted map[string]count                 // by interface
	news    map[string]*delta                // by group: what the fabric was not told yet
}

// count is where an interface is counted.
type count struct {
	address netip.Addr
	groups  []string
}

// delta is who joined and who left a group.
type delta struct{ joined, left map[netip.Addr]bool }

func newMembership() membership {
	return membership{members: map[string]map[netip.Addr]string{}, counted: map[string]count{}, news: map[string]*delta{}}
}

// load counts a group from the rows.
func (m *membership) load(t *Tables, tx *state.Tx, group string) {
	m.forget(group)
	all := map[netip.Addr]string{}
	for i := range t.Interfaces.By(tx, "group", group) {
		if i.realises() {
			all[i.PrivateIP] = i.ID
			m.counted[i.ID] = count{i.PrivateIP, append(slices.Clone(m.counted[i.ID].groups), group)}
		}
	}
	m.members[group] = all
}

// forget drops a group, which is not told of any more.
func (m *membership) forget(group string) {
	for _, id := range m.members[group] {
		c := m.counted[id]
		c.groups = slices.DeleteFunc(slices.Clone(c.groups), func(g string) bool { return g == group })
		m.count(id, c)
	}
	delete(m.members, group)
	delete(m.news, group)
}

func (m *membership) count(id string, c count) {
	if m.counted[id] = c; len(c.groups) == 0 {
		delete(m.counted, id)
	}
}

// put says in which groups an interface is now. Groups that are not counted yet will be when they are told.
func (m *membership) put(id string, a netip.Addr, groups []string) {
	was := m.counted[id]
	for _, g := range was.groups {
		if !slices.Contains(groups, g) && m.members[g][was.address] == id {
			delete(m.members[g], was.address)
			n := m.newsOf(g)
			n.left[was.address] = true
			delete(n.joined, was.address)
		}
	}
	now := count{address: a}
	for _, g := range groups {
		all, counting := m.members[g]
		if !counting {
			continue
		}
		now.groups = append(now.groups, g)
		if all[a] != id {
			all[a] = id
			n := m.newsOf(g)
			n.joined[a] = true
			delete(n.left, a)
		}
	}
	m.count(id, now)
}

func (m *membership) newsOf(group string) *delta {
	n, ok := m.news[group]
	if !ok {
		n = &delta{joined: map[netip.Addr]bool{}, left: map[netip.Addr]bool{}}
		m.news[group] = n
	}
	return n
}

// of are the addresses of a group's members.
func (m *membership) of(group string) []netip.Addr {
	return slices.SortedFunc(maps.Keys(m.members[group]), netip.Addr.Compare)
}
