package fabric

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

// direction is a group's side: it decides which end of a packet is the other one.
type direction struct {
	name  string
	other uint32 // offset of the other end's address
}

var (
	ingress = direction{"in", offsetSource}
	egress  = direction{"out", offsetDestination}
)

// compiled is one nftables rule, with the anonymous set it looks up, if any.
type compiled struct {
	exprs    []expr.Any
	set      *nftables.Set
	elements []nftables.SetElement
}

// compile translates security group rules. One rule becomes one for all its prefixes and one or two for each of its groups.
func compile(d direction, rules []network.Rule) []compiled {
	var all []compiled
	for _, r := range rules {
		what := protocolMatch(r)
		for ranges := range slices.Chunk(mergePrefixes(r.CIDRs), rangesPerRule) {
			all = append(all, compilePrefixes(d, what, ranges))
		}
		for _, g := range r.Groups {
			all = append(all, compiled{exprs: exprs(
				what, ipField(d.other, reg), contained(memberSet(g)), verdict(expr.VerdictAccept))})
			if d == ingress { // what a load balancer sends under a client's address comes from the load balancer's groups too
				all = append(all, compiled{exprs: exprs(
					what, meta(expr.MetaKeyIIF, reg), mapped(ownMap, reg), contained(memberSet(g)), verdict(expr.VerdictAccept))})
			}
		}
	}
	return all
}

// rangesPerRule keeps an anonymous set in one message: it must be whole when the rule that uses it is added.
const rangesPerRule = elementsPerMessage / 2

func compilePrefixes(d direction, what []expr.Any, ranges []addressRange) compiled {
	accept := verdict(expr.VerdictAccept)
	if len(ranges) == 1 {
		r := ranges[0]
		if r.everything() {
			return compiled{exprs: exprs(what, accept)}
		}
		return compiled{exprs: exprs(what, ipField(d.other, reg),
			&expr.Range{Op: expr.CmpOpEq, Register: reg, FromData: address(r.first), ToData: address(r.last)}, accept)}
	}
	set := newSet(nftables.Set{
		Table: vpcTable, Name: "__set%d", Anonymous: true, Constant: true, Interval: true, KeyType: nftables.TypeIPAddr,
	})
	return compiled{
		exprs:    exprs(what, ipField(d.other, reg), contained(set), accept),
		set:      set,
		elements: intervals(ranges),
	}
}

// protocolMatch matches the protocol, and for TCP, UDP and ICMP the ports or type and code.
func protocolMatch(r network.Rule) []expr.Any {
	if r.Protocol < 0 {
		return nil
	}
	m := exprs(meta(expr.MetaKeyL4PROTO, reg), equal([]byte{byte(r.Protocol)}))
	switch r.Protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		return append(m, portMatch(r.FromPort, r.ToPort)...)
	case unix.IPPROTO_ICMP:
		if r.FromPort >= 0 {
			m = append(m, transportField(0, 1), equal([]byte{byte(r.FromPort)}))
			if r.ToPort >= 0 {
				m = append(m, transportField(1, 1), equal([]byte{byte(r.ToPort)}))
			}
		}
	}
	return m
}

func portMatch(first, last int) []expr.Any {
	const destinationPort = 2
	switch {
	case first < 0 || first == 0 && last == 65535:
		return nil
	case first == last:
		return exprs(transportField(destinationPort, 2), equal(port(first)))
	}
	return exprs(transportField(destinationPort, 2), &expr.Range{Op: expr.CmpOpEq, Register: reg, FromData: port(first), ToData: port(last)})
}

func port(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// addressRange is a run of addresses, both ends included.
type addressRange struct{ first, last netip.Addr }

func (r addressRange) everything() bool {
	return r.first == netip.IPv4Unspecified() && r.last == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

func (r addressRange) String() string { return r.first.String() + "-" + r.last.String() }

// mergePrefixes is the union of prefixes, sorted, without overlaps or adjacent ranges, as sets of intervals must be.
// Prefixes that are not IPv4 match nothing in an IPv4 network.
func mergePrefixes(prefixes []netip.Prefix) []addressRange {
	var all []addressRange
	for _, p := range prefixes {
		if p.IsValid() && p.Addr().Is4() {
			all = append(all, addressRange{p.Masked().Addr(), lastOf(p)})
		}
	}
	var merged []addressRange
	for _, r := range sortRanges(all) {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if next := last.last.Next(); !next.IsValid() || r.first.Compare(next) <= 0 {
				if r.last.Compare(last.last) > 0 {
					last.last = r.last
				}
				continue
			}
		}
		merged = append(merged, r)
	}
	return merged
}

func sortRanges(all []addressRange) []addressRange {
	slices.SortFunc(all, func(a, b addressRange) int { return a.first.Compare(b.first) })
	return all
}

func lastOf(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	n := binary.BigEndian.Uint32(a[:]) | (1<<(32-p.Bits()) - 1)
	binary.BigEndian.PutUint32(a[:], n)
	return netip.AddrFrom4(a)
}

// intervals are the elements that stand for ranges in a set: the first address of each, and the first one after it, marked as an end.
func intervals(ranges []addressRange) []nftables.SetElement {
	var els []nftables.SetElement
	for _, r := range ranges {
		els = append(els, nftables.SetElement{Key: address(r.first)})
		if next := r.last.Next(); next.IsValid() {
			els = append(els, nftables.SetElement{Key: address(next), IntervalEnd: true})
		}
	}
	return els
}

// references are the groups that rules name, each once.
func references(rules []network.Rule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.Groups...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fingerprint tells whether rules are the ones applied; it is kept with them in the kernel. It is taken from what they compile to, so an
// upgraded platform that compiles otherwise rewrites what it adopts. Their order does not matter, because all of them accept.
// Nothing has no fingerprint.
func fingerprint(rules []compiled) string {
	if len(rules) == 0 {
		return ""
	}
	sums := make([][]byte, len(rules))
	for i, r := range rules {
		h := sha256.New()
		writeExprs(h, r.exprs)
		for _, e := range r.elements {
			fmt.Fprintf(h, "%x %t\n", e.Key, e.IntervalEnd)
		}
		sums[i] = h.Sum(nil)
	}
	slices.SortFunc(sums, bytes.Compare)
	return digest(string(bytes.Join(sums, nil)), 16)
}

// writeExprs writes what is the same whenever the expressions mean the same.
func writeExprs(w io.Writer, exprs []expr.Any) {
	for _, e := range exprs {
		if l, ok := e.(*expr.Lookup); ok {
			named := *l
			named.SetID = 0 // counts sets, says nothing
			e = &named
		}
		b, err := expr.Marshal(unix.NFPROTO_IPV4, e)
		fmt.Fprintf(w, "%x %v\n", b, err)
	}
}
