package fabric

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// readFilter reads back what an earlier platform applied, or starts anew if there is no table of our layout.
func readFilter(conn *nftables.Conn) (*filter, error) {
	chains, err := vpcTableChains(conn)
	if err != nil {
		return nil, fmt.Errorf("read back nftables: %w", err)
	}
	if !chains[layoutChain] {
		return createFilter(conn)
	}
	r := reader{newFilter(conn), nil}
	r.readGroups(chains)
	r.readProfiles(chains)
	r.readBindings()
	r.readAddresses()
	if r.err != nil {
		return nil, fmt.Errorf("read back nftables: %w", r.err)
	}
	return r.f, nil
}

func vpcTableChains(conn *nftables.Conn) (map[string]bool, error) {
	all, err := conn.ListChainsOfTableFamily(vpcTable.Family)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, c := range all {
		if c.Table.Name == vpcTable.Name {
			names[c.Name] = true
		}
	}
	return names, nil
}

// reader fills a filter from the kernel and keeps the first error.
type reader struct {
	f   *filter
	err error
}

func (r *reader) elements(s *nftables.Set) []nftables.SetElement {
	if r.err != nil {
		return nil
	}
	els, err := r.f.conn.GetSetElements(s)
	if err != nil {
		r.err = fmt.Errorf("set %s: %w", s.Name, err)
	}
	return els
}

func (r *reader) rules(c *nftables.Chain) []*nftables.Rule {
	if r.err != nil {
		return nil
	}
	rules, err := r.f.conn.GetRules(vpcTable, c)
	if err != nil {
		r.err = fmt.Errorf("chain %s: %w", c.Name, err)
	}
	return rules
}

// readGroups cannot tell an ensured group from one that is only named. It takes all for ensured: one that is no more
// stays, empty, as long as its VPC.
func (r *reader) readGroups(chains map[string]bool) {
	for name := range chains {
		if id, ok := strings.CutPrefix(name, ingress.chain("").Name); ok {
			r.f.groups[id] = &group{id: id, ensured: true}
		}
	}
	for id, g := range r.f.groups {
		g.members = map[netip.Addr]uint64{}
		for a := range r.addresses(memberSet(id)) {
			g.members[a] = 0
		}
		for i, d := range directions {
			g.sides[i] = r.side(d, id)
			for _, other := range g.sides[i].references {
				r.name(other)
			}
		}
	}
}

func (r *reader) side(d direction, group string) side {
	var s side
	rules := r.rules(d.chain(group))
	if len(rules) == 0 {
		return s
	}
	s.fingerprint, _ = userdata.GetString(rules[0].UserData, userdata.TypeComment)
	seen := map[string]bool{}
	for _, rule := range rules {
		for _, e := range rule.Exprs {
			l, ok := e.(*expr.Lookup)
			if !ok {
				continue
			}
			if id, ok := strings.CutPrefix(l.SetName, memberSet("").Name); ok && !seen[id] {
				seen[id] = true
				s.references = append(s.references, id)
			}
		}
	}
	return s
}

func (r *reader) name(group string) {
	if g, ok := r.f.groups[group]; ok {
		g.named++
	} else if r.err == nil {
		r.err = fmt.Errorf("group %s is named but does not exist", group)
	}
}

func (r *reader) readProfiles(chains map[string]bool) {
	prefix := strings.TrimSuffix(ingress.profileChain(0).Name, "0")
	for name := range chains {
		digits, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil {
			r.err = fmt.Errorf("chain %s: %w", name, err)
			return
		}
		p := &profile{number: uint32(n), groups: r.jumps(ingress.profileChain(uint32(n)))}
		for _, id := range p.groups {
			if id != unguarded {
				r.name(id)
			}
		}
		r.f.profiles[profileKey(p.groups)] = p
		r.f.last = max(r.f.last, p.number)
	}
}

// jumps are the groups that a profile's chain asks.
func (r *reader) jumps(c *nftables.Chain) []string {
	var ids []string
	for _, rule := range r.rules(c) {
		for _, e := range rule.Exprs {
			switch v, ok := e.(*expr.Verdict); {
			case ok && v.Kind == expr.VerdictAccept:
				ids = append(ids, unguarded)
			case ok:
				ids = append(ids, strings.TrimPrefix(v.Chain, ingress.chain("").Name))
			}
		}
	}
	return ids
}

func (r *reader) readBindings() {
	for _, e := range r.elements(boundMap) {
		link := int(readNumber(e.Key))
		r.f.bindings[link] = binding{address: readAddress(e.Key[4:]), subnet: readNumber(e.Val), checked: true}
	}
	for _, e := range r.elements(uncheckedMap) {
		r.f.bindings[int(readNumber(e.Key))] = binding{subnet: readNumber(e.Val)}
	}
	for _, e := range r.elements(profileMap) {
		link := int(readNumber(e.Key))
		b := r.f.bindings[link]
		b.profile = readNumber(e.Val)
		r.f.bindings[link] = b
	}
	for _, e := range r.elements(ownMap) {
		link := int(readNumber(e.Key))
		b := r.f.bindings[link]
		b.own = readAddress(e.Val)
		r.f.bindings[link] = b
	}
}

func (r *reader) readAddresses() {
	r.f.publicIn, r.f.publicOut = r.addressMap(publicInMap), r.addressMap(publicOutMap)
	r.f.services = r.addresses(serviceSet)
	r.f.local = r.ranges(localSet)
}

func (r *reader) addresses(s *nftables.Set) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, e := range r.elements(s) {
		all[readAddress(e.Key)] = true
	}
	return all
}

func (r *reader) addressMap(s *nftables.Set) map[netip.Addr]netip.Addr {
	all := map[netip.Addr]netip.Addr{}
	for _, e := range r.elements(s) {
		all[readAddress(e.Key)] = readAddress(e.Val)
	}
	return all
}

// ranges reverses intervals. The kernel lists the elements from the highest to the lowest or the other way round.
func (r *reader) ranges(s *nftables.Set) []addressRange {
	var prefixes []addressRange
	starts, ends := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for _, e := range r.elements(s) {
		if e.IntervalEnd {
			ends[readAddress(e.Key)] = true
		} else {
			starts[readAddress(e.Key)] = true
		}
	}
	for start := range starts {
		prefixes = append(prefixes, addressRange{start, endOf(start, ends)})
	}
	return sortRanges(prefixes)
}

// endOf is the last address before the nearest end after start.
func endOf(start netip.Addr, ends map[netip.Addr]bool) netip.Addr {
	last := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	for e := range ends {
		if e.Compare(start) > 0 && e.Prev().Compare(last) < 0 {
			last = e.Prev()
		}
	}
	return last
}
