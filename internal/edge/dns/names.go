package dns

import (
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// names is a zone's content, compiled. It is immutable but for the turn of each name's addresses.
type names struct {
	records   map[string]*record // fully qualified, lower case
	wildcards map[string]*record // by what follows "*."
	own       []string           // fully qualified
}

type record struct {
	addresses []netip.Addr
	ttl       uint32
	turn      atomic.Uint32
}

const defaultTTL = 60

func compile(z *edgeapi.Zone) *names {
	n := &names{records: make(map[string]*record, len(z.Records)), wildcards: map[string]*record{}}
	for _, r := range z.Records {
		c := &record{addresses: r.Addresses, ttl: defaultTTL}
		if r.TTL > 0 {
			c.ttl = uint32(r.TTL)
		}
		name := strings.ToLower(r.Name) + "."
		if rest, ok := strings.CutPrefix(name, "*."); ok {
			n.wildcards[rest] = c
		} else {
			n.records[name] = c
		}
	}
	for _, o := range z.Own {
		n.own = append(n.own, strings.ToLower(o)+".")
	}
	return n
}

// find looks a fully qualified lower-case name up. A wildcard matches one or more labels unless a longer name exists.
func (n *names) find(name string) *record {
	if r := n.records[name]; r != nil {
		return r
	}
	if len(n.wildcards) == 0 {
		return nil
	}
	for rest := name; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok || parent == "" {
			return nil
		}
		if r := n.wildcards[parent]; r != nil {
			return r
		}
		rest = parent
	}
}

// domain returns the own domain that name is at or under.
func (n *names) domain(name string) (string, bool) {
	for _, o := range n.own {
		if name == o || strings.HasSuffix(name, "."+o) {
			return o, true
		}
	}
	return "", false
}

// next returns the addresses in an order that changes from call to call, so that clients which take the first one spread.
func (r *record) next() []netip.Addr {
	k := len(r.addresses)
	if k == 0 {
		return nil
	}
	first := int(r.turn.Add(1)) % k
	out := make([]netip.Addr, 0, k)
	return append(append(out, r.addresses[first:]...), r.addresses[:first]...)
}

// isPrivateReverse reports whether name belongs to a reverse zone that means nothing outside this machine (RFC 6303). The
// resolvers of the host cannot know better, and asking them would only cost their timeout.
func isPrivateReverse(name string) bool {
	rest, ok := strings.CutSuffix(name, ".in-addr.arpa.")
	if !ok {
		return false
	}
	labels := strings.Split(rest, ".")
	last := func(i int) string {
		if i >= len(labels) {
			return ""
		}
		return labels[len(labels)-1-i]
	}
	switch last(0) {
	case "10", "127":
		return true
	case "192":
		return last(1) == "168"
	case "169":
		return last(1) == "254"
	case "198":
		return last(1) == "18" || last(1) == "19"
	case "172":
		return len(last(1)) == 2 && last(1) >= "16" && last(1) <= "31"
	}
	return false
}
