package proxy

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// stickiness binds clients to targets of a group.
type stickiness struct {
	kind     *cookieKind
	lifetime uint32 // seconds
	name     string // of the application's cookie
	scope    uint64
	targets  map[uint64]*target // by target.digest, without those draining
}

func newStickiness(s *edgeapi.Stickiness, arn string, targets []*target) *stickiness {
	if s == nil {
		return nil
	}
	out := &stickiness{
		kind: targetCookie, lifetime: uint32(s.Duration / time.Second), scope: digest(arn),
		targets: make(map[uint64]*target, len(targets)),
	}
	if s.Type == edgeapi.StickyAppCookie {
		out.kind, out.name = applicationCookie, s.Cookie
	}
	for _, t := range targets {
		out.targets[t.digest] = t
	}
	return out
}

// digestOf is what cookies know a target by.
func digestOf(key TargetKey) uint64 { return digest(key.ID, strconv.Itoa(key.Port)) }

// enter takes a ticket of a target of the pool: of the one the request's cookie names, if that is still to be routed to, and
// otherwise of one the algorithm chooses. The cookies that bind the client to it are left in d.
//
// A target that is draining, unhealthy or gone is replaced for good: "continues routing requests to the new healthy target
// even if the failed target comes back".
func (s *stickiness) enter(p *pool, r *http1.Request, d *decision, c *cookies) *target {
	var j jar
	bound := false
	// "clients have to send back both cookies to maintain stickiness"
	if s.name == "" || hasCookie(r, s.name) {
		s.kind.load(c.sealer, r, &j)
		bound = j.n > 0
	}
	var to *target
	if choice, ok := j.find(s.scope, c.now, s.lifetime); ok {
		if to = s.targets[choice]; to != nil && !(p.routes(to) && to.tickets.Take()) {
			to = nil
		}
	}
	if to == nil {
		p.group.shared.counters.nonSticky.Add(1)
		if to = p.enter(c.now); to == nil {
			return nil
		}
	}
	site := c.site
	if s.name != "" {
		if !bound {
			d.awaited = s.name
		}
		if site != anySiteSecure || !takesAnySite(r) {
			site = ""
		}
	}
	d.bonds[1] = c.issue(&to.issues, s.kind, &j, bond{s.scope, to.digest, uint32(c.now)}, site)
	return to
}

// cookies is what making stickiness cookies for a listener takes.
type cookies struct {
	sealer *sealer
	now    int64 // Unix time
	site   string
}

// issues are the cookies last given to clients that have no others, by whether they are Secure.
type issues [2]atomic.Pointer[issue]

// issue makes the cookies for a client that had j and has been bound by b. Within a second, the same cookies do for all
// clients that are not bound elsewhere.
func (c *cookies) issue(last *issues, k *cookieKind, j *jar, b bond, site string) *issue {
	if j.others(b.scope) || k == applicationCookie && site != "" {
		j.put(b)
		return newIssue(k, c.sealer, j, c.now, site)
	}
	at := &last[0]
	if site == anySiteSecure {
		at = &last[1]
	}
	if i := at.Load(); i != nil && i.at == c.now && i.kind == k && i.sealer == c.sealer {
		return i
	}
	only := jar{n: 1, bonds: [maxBonds]bond{b}}
	i := newIssue(k, c.sealer, &only, c.now, site)
	at.Store(i)
	return i
}
