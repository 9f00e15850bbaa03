package proxy

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// group is one generation's view of a target group.
type group struct {
	arn       string
	targets   []*target // registered, without those draining
	shared    *groupState
	version   http1.Protocol // spoken with targets
	algorithm string
	slowStart time.Duration
	routing   edgeapi.Failover
	crossZone *bool
	sticky    *stickiness      // nil without
	pools     map[string]*pool // by zone; complete when the table is put in use
}

// groupState is what a group keeps across generations.
type groupState struct {
	turn     atomic.Uint32 // of round robin: a new generation goes on where the last one was
	counters groupCounters
}

func newGroup(in *edgeapi.TargetGroup, targets []*target, shared *groupState) *group {
	return &group{
		arn: in.ARN, targets: targets, shared: shared, version: versions[in.ProtocolVersion], algorithm: in.Algorithm,
		slowStart: in.SlowStart, routing: in.Routing, crossZone: in.CrossZone,
		sticky: newStickiness(in.Stickiness, in.ARN, targets), pools: map[string]*pool{},
	}
}

var versions = map[string]http1.Protocol{
	edgeapi.VersionHTTP1: http1.ProtocolHTTP1, edgeapi.VersionHTTP2: http1.ProtocolHTTP2, edgeapi.VersionGRPC: http1.ProtocolGRPC,
}

// takes reports whether the group's targets can be given a request ("HTTP 464").
func (g *group) takes(r *http1.Request) bool {
	switch g.version {
	case http1.ProtocolHTTP1:
		return r.Protocol != http1.ProtocolGRPC
	case http1.ProtocolHTTP2:
		return r.Protocol != http1.ProtocolHTTP1
	}
	return r.Protocol == http1.ProtocolGRPC || r.Protocol == http1.ProtocolHTTP2 && string(r.Method) == "POST"
}

// pool is what nodes in a zone route to. crossZone is the load balancer's setting.
func (g *group) pool(zone string, crossZone bool) *pool {
	if g.crossZone != nil {
		crossZone = *g.crossZone
	}
	if crossZone {
		zone = ""
	}
	p := g.pools[zone]
	if p == nil {
		p = newPool(g, zone)
		g.pools[zone] = p
	}
	return p
}

// refresh is to be called when the health of a target has changed.
func (g *group) refresh() {
	for _, p := range g.pools {
		p.refresh()
	}
}

// settled reports whether the group has a healthy target that takes its full share: others start slowly only then.
func (g *group) settled(now int64) bool {
	for _, t := range g.targets {
		if t.healthy.Load() && g.share(t, now) == g.slowStart {
			return true
		}
	}
	return false
}

// share is how much of its full share a target takes, as a part of the group's slow start.
func (g *group) share(t *target, now int64) time.Duration {
	since := t.warming.Load()
	if since == 0 {
		return g.slowStart
	}
	return min(max(time.Duration(now-since), 0)*time.Second, g.slowStart)
}

// forward is a compiled forward action.
type forward struct {
	pools   []*pool
	weights []uint32
	total   uint32

	sticky  uint32 // seconds a client stays with a group; 0: not at all
	scope   uint64
	digests []uint64 // of the groups
	issues  []issues // likewise
}

func newForward(f *edgeapi.Forward, rule string, n *node, crossZone bool, groups map[string]*group) *forward {
	out := &forward{sticky: uint32(f.Stickiness / time.Second)}
	for _, w := range f.Groups {
		out.pools = append(out.pools, groups[w.TargetGroup].pool(n.AvailabilityZone, crossZone))
		out.weights = append(out.weights, uint32(w.Weight))
		out.total += uint32(w.Weight)
	}
	if out.sticky > 0 {
		out.scope, out.issues = digest(rule), make([]issues, len(f.Groups))
		for _, w := range f.Groups {
			out.digests = append(out.digests, digest(w.TargetGroup))
		}
	}
	return out
}

// enter picks a group and a target of it, and takes a ticket of the target. d gets the group, the target and the cookies that
// bind the client to either.
func (f *forward) enter(r *http1.Request, d *decision, c *cookies) {
	var i int
	var j jar
	if f.sticky > 0 {
		i = f.stick(r, &j, c)
	} else {
		i = f.pick()
	}
	if i < 0 {
		return
	}
	p := f.pools[i]
	d.group = p.group
	if s := p.group.sticky; s != nil {
		d.target = s.enter(p, r, d, c)
	} else {
		d.target = p.enter(c.now)
	}
	if f.sticky > 0 && d.target != nil {
		d.bonds[0] = c.issue(&f.issues[i], groupCookie, &j, bond{f.scope, f.digests[i], uint32(c.now)}, c.site)
	}
}

// stick returns the group that the request's cookie names, whatever its weight is by now, as long as it has targets; and
// otherwise one by weight.
func (f *forward) stick(r *http1.Request, j *jar, c *cookies) int {
	groupCookie.load(c.sealer, r, j)
	if choice, ok := j.find(f.scope, c.now, f.sticky); ok {
		for i, d := range f.digests {
			if d == choice && len(f.pools[i].targets) > 0 {
				return i
			}
		}
	}
	return f.pick()
}

// pick chooses a group by weight; -1 when all weights are zero.
func (f *forward) pick() int {
	if len(f.pools) == 1 && f.total > 0 {
		return 0
	}
	if f.total == 0 {
		return -1
	}
	r := rand.Uint32N(f.total)
	for i, w := range f.weights {
		if r < w {
			return i
		}
		r -= w
	}
	return -1
}
