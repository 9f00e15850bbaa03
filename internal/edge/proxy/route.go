package proxy

import (
	"net/netip"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/rules"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// peer is who sends requests.
type peer struct {
	address netip.AddrPort
	text    string // the address as X-Forwarded-For has it

	session  *tlsterm.Session       // nil without TLS
	trace    atomic.Pointer[string] // see traced
	identity atomic.Pointer[identity]
}

// decision is what is to be done with a request: it is refused, answered by the load balancer itself, or given to a target.
type decision struct {
	listener *listener // nil if the listener is gone
	refusal  int       // status of a request that is turned down; 0: see action and target
	action   *action
	group    *group  // of a forward action; nil when all weights are zero
	target   *target // with a ticket that must be given back; nil if there is none to be had

	// bonds are cookies to be set with the target's answer: that of the group and that of the target. The second one is
	// set, if awaited is not empty, only if the answer sets a cookie called so.
	bonds   [2]*issue
	awaited string

	transform string // outcome of the rule's transforms; empty if none matched
}

// route decides what a server does with a request, and counts it. Whatever protocol a request arrived by, this is the one
// place where rules are matched and targets are picked.
func (e *Engine) route(s *server, r *http1.Request, from *peer) decision {
	for {
		t := e.table.Load()
		if s.slot >= len(t.listeners) || t.listeners[s.slot] == nil {
			return decision{refusal: 503}
		}
		d := decision{listener: t.listeners[s.slot]}
		v := d.listener
		if d.refusal = v.refusal(r); d.refusal != 0 {
			v.counters.request(r.Protocol)
			return d
		}
		i := v.rules.Match(r, from.address.Addr())
		d.action = &v.actions[i]
		if f := d.action.forward; f != nil {
			c := cookies{t.sealer, e.sweeper.unix.Load(), v.site}
			if f.enter(r, &d, &c); d.target == nil && e.table.Load() != t {
				continue // all targets were drained by a newer table
			}
		}
		v.counters.evaluations.Add(uint64(min(i+1, len(v.actions)-1)))
		v.counters.request(r.Protocol)
		v.counters.bytesIn.Add(uint64(len(r.Head)))
		d.action.rule.requests.Add(1)
		switch {
		case d.target != nil && !d.group.takes(r):
			d.target.tickets.Return()
			d.target, d.refusal = nil, 464
		case d.target != nil:
			if d.transform = d.action.transforms.Apply(r); d.transform != "" && d.transform != rules.Transformed {
				d.target.tickets.Return()
				d.target, d.refusal = nil, 500
			}
		case d.group != nil:
			d.group.shared.counters.unroutable.Add(1)
		}
		return d
	}
}

// due are the cookies to be set with an answer.
func (d *decision) due(r *http1.Response) [2]*issue {
	out := d.bonds
	if d.awaited != "" && !setsCookie(r, d.awaited) {
		out[1] = nil
	}
	return out
}

// refusal is the status of a request that is well-formed and turned down all the same; 0 if it is not.
func (v *listener) refusal(r *http1.Request) int {
	switch {
	case !v.acceptable(r):
		return 400
	case tooManyForwarders(r):
		return 463
	}
	return 0
}

// acceptable applies the desync mitigation mode to the request and counts. In every mode a request that cannot be framed is
// refused by the parser: AWS's monitor mode would forward it, and two servers would disagree where it ends.
func (v *listener) acceptable(r *http1.Request) bool {
	if r.InvalidNames {
		v.counters.invalid.Add(1)
	}
	if r.Tier == http1.Compliant {
		return true
	}
	v.counters.nonCompliant.Add(1)
	return v.settings.Desync != edgeapi.DesyncStrictest
}

// maxForwarders is how many addresses X-Forwarded-For may hold ("HTTP 463").
const maxForwarders = 30

func tooManyForwarders(r *http1.Request) bool {
	n := 0
	for _, f := range r.Fields {
		if f.Kind != http1.ForwardedFor {
			continue
		}
		n++
		for _, o := range r.Value(f) {
			if o == ',' {
				n++
			}
		}
	}
	return n > maxForwarders
}
