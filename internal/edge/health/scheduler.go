package health

import (
	"container/heap"
	"context"
	"crypto/tls"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// Key identifies a target across snapshots.
type Key struct {
	Group string `json:"group"` // ARN
	ID    string `json:"target"`
	Port  int    `json:"port"`
}

// check is a target that is probed.
type check struct {
	key     Key
	config  edgeapi.HealthCheck
	version string // of HTTP, which decides what the matcher's codes are
	matcher edgeapi.Matcher
	request []byte
	address netip.AddrPort
	nodes   []string
	network bool
	tls     *tls.Config // of HTTPS probes

	state    State
	due      time.Time
	counted  time.Time // when a probe last counted
	attempts int       // early probes so far
	running  bool
	index    int // in the heap; -1 while running or dropped
	dropped  bool
}

// Scheduler probes what Watch tells it to, for as long as Run runs.
type Scheduler struct {
	dial    Dial
	unreal  func(error) bool
	changed func(Key, State)

	mu     sync.Mutex
	checks map[Key]*check
	queue  queue
	known  map[Key]State // from before a restart
	wake   chan struct{}
	seed   maphash.Seed
	tls    map[tlsKey]*tls.Config
}

type tlsKey struct {
	policy string
	http2  bool
}

// Config is what a Scheduler needs.
type Config struct {
	Dial Dial
	// Unreal tells errors of Dial apart that say nothing about the target, such as a node that is not there yet.
	Unreal func(error) bool
	// Changed is told of every change of a target's state.
	Changed func(Key, State)
	// Known is what was known when the process last ran.
	Known map[Key]State
}

// New makes a Scheduler.
func New(c Config) *Scheduler {
	return &Scheduler{
		dial: c.Dial, unreal: c.Unreal, changed: c.Changed, known: c.Known,
		checks: map[Key]*check{}, tls: map[tlsKey]*tls.Config{}, wake: make(chan struct{}, 1), seed: maphash.MakeSeed(),
	}
}

// Target is a target to be probed.
type Target struct {
	Key     Key
	Config  edgeapi.HealthCheck
	Version string // of HTTP; empty: HTTP1
	Target  edgeapi.Target
	Nodes   []string // to probe from, in order of preference
	Policy  string   // security policy of HTTPS probes; empty: none are made
	// Network is a target of network load balancers, for which there is one reason to be unhealthy only: ResponseCodeMismatch and Timeout
	// apply "only to Application Load Balancers and Gateway Load Balancers".
	Network bool
}

// Watch replaces the set of targets that are probed.
func (s *Scheduler) Watch(targets []Target, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.checks
	s.checks = make(map[Key]*check, len(targets))
	for i := range targets {
		t := &targets[i]
		address := netip.AddrPortFrom(t.Target.Address, portOf(&t.Config, &t.Target))
		c := old[t.Key]
		if c == nil || c.address.Addr() != address.Addr() {
			c = s.begin(t, address, now)
		} else {
			delete(old, t.Key)
			if c.config != t.Config || c.address != address {
				c.configure(t, address)
				s.reschedule(c, now)
			}
			c.nodes = t.Nodes
		}
		c.tls = s.clientTLS(t.Policy, c.http2())
		s.checks[t.Key] = c
	}
	for _, c := range old {
		c.dropped = true
		if c.index >= 0 {
			heap.Remove(&s.queue, c.index)
		}
	}
	s.known = nil
	s.poke()
}

// clientTLS is the configuration of HTTPS probes.
func (s *Scheduler) clientTLS(policy string, http2 bool) *tls.Config {
	if policy == "" {
		return nil
	}
	var protocols []string
	if http2 {
		protocols = []string{"h2"}
	}
	key := tlsKey{policy, http2}
	c := s.tls[key]
	if c == nil {
		c = tlsterm.Client(policy, protocols...)
		s.tls[key] = c
	}
	return c
}

// begin starts probing a target, soon but not together with all others.
func (s *Scheduler) begin(t *Target, address netip.AddrPort, now time.Time) *check {
	c := &check{key: t.Key, nodes: t.Nodes, network: t.Network, state: registered(), index: -1, counted: now}
	if k, ok := s.known[t.Key]; ok {
		c.state = k
	}
	c.configure(t, address)
	c.due = now
	if len(s.checks) > 16 {
		c.due = now.Add(time.Duration(maphash.Comparable(s.seed, t.Key) % uint64(min(t.Config.Interval, time.Second))))
	}
	heap.Push(&s.queue, c)
	return c
}

// configure takes over a health check. The target stays in its state; counting starts over.
func (c *check) configure(t *Target, address netip.AddrPort) {
	c.config, c.address = t.Config, address
	c.version = t.Version
	c.matcher, _ = edgeapi.ParseMatcherFor(t.Version, t.Config.Matcher) // validated with the snapshot
	if t.Config.Protocol != edgeapi.ProtocolTCP {
		c.request = request(t.Config.Path, address)
	}
	c.state.streak = 0
}

func (s *Scheduler) reschedule(c *check, now time.Time) {
	if c.index >= 0 {
		c.due = now
		heap.Fix(&s.queue, c.index)
	}
}

func (s *Scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Of returns the state of a target that is being probed.
func (s *Scheduler) Of(k Key) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.checks[k]
	if c == nil {
		return State{}, false
	}
	return c.state, true
}

// All returns the states of all targets that are being probed and have been at least once.
func (s *Scheduler) All() map[Key]State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[Key]State, len(s.checks))
	for k, c := range s.checks {
		if c.state.Reason != edgeapi.ReasonRegistrationInProgress {
			out[k] = c.state
		}
	}
	return out
}

// parallel is how many probes are under way at a time. More are late rather than run together: a machine with thousands of
// targets must not probe them all at once after a pause.
const parallel = 256

// Run probes until ctx is done, and returns when the last probe has ended.
func (s *Scheduler) Run(ctx context.Context) error {
	slots := make(chan struct{}, parallel)
	var probes sync.WaitGroup
	defer probes.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		c, wait := s.next(time.Now())
		if c == nil {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
			case <-s.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		probes.Go(func() {
			defer func() { <-slots }()
			s.run(ctx, c)
		})
	}
}

// next takes the check that is due, or tells how long to wait for one.
func (s *Scheduler) next(now time.Time) (*check, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, time.Hour
	}
	if wait := s.queue[0].due.Sub(now); wait > 0 {
		return nil, wait
	}
	c := heap.Pop(&s.queue).(*check)
	c.running = true
	return c, 0
}

func (s *Scheduler) run(ctx context.Context, c *check) {
	s.mu.Lock()
	copied := *c // what is probed may change meanwhile
	s.mu.Unlock()
	started := time.Now()
	outcome, err := copied.probe(ctx, s.dial)
	if ctx.Err() != nil {
		return
	}
	if copied.network && !outcome.OK {
		outcome.Reason, outcome.Code = edgeapi.ReasonFailedHealthChecks, 0
	}
	if err != nil && s.unreal(err) {
		s.finish(c, started, nil, copied.config)
		return
	}
	s.finish(c, started, &outcome, copied.config)
}

// finish takes note of an outcome, nil for none, and puts the check back in line.
func (s *Scheduler) finish(c *check, started time.Time, o *Outcome, config edgeapi.HealthCheck) {
	s.mu.Lock()
	before := c.state
	c.running = false
	switch {
	case c.dropped:
		s.mu.Unlock()
		return
	case o == nil:
		c.due = started.Add(min(time.Second, c.config.Interval))
	case c.config != config: // judged by rules that no longer hold
		c.due = started
	default:
		c.settle(*o, started)
	}
	heap.Push(&s.queue, c)
	after := c.state
	s.mu.Unlock()
	s.poke()
	if differs(before, after) {
		s.changed(c.key, after)
	}
}

// settle applies an outcome and says when the next probe is due.
func (c *check) settle(o Outcome, started time.Time) {
	extra := c.state.State == edgeapi.TargetInitial && !o.OK && c.attempts > 0 && started.Sub(c.counted) < c.config.Interval
	if !extra {
		c.state = c.state.next(o, &c.config)
		c.counted = started
	}
	c.due = c.counted.Add(c.config.Interval)
	if c.state.State == edgeapi.TargetInitial {
		if at := started.Add(early(c.attempts, c.config.Interval)); at.Before(c.due) {
			c.due = at
		}
		c.attempts++
	}
}

func differs(a, b State) bool {
	a.streak, b.streak = 0, 0
	return a != b
}

// queue is a heap of checks by due time.
type queue []*check

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	c := x.(*check)
	c.index = len(*q)
	*q = append(*q, c)
}

func (q *queue) Pop() any {
	old := *q
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	c.index = -1
	return c
}
