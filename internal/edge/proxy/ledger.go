package proxy

import (
	"slices"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// ledger finds the counters of things by name, so that they go on across generations. Engine.mu guards it.
type ledger struct {
	balancers map[string]*balancerLedger
	groups    map[string]*groupState
	rules     map[[2]string]*ruleCounter // by listener and rule ARN
}

type balancerLedger struct {
	listeners map[listenerKey]*listenerCounters
	gone      map[string]*edgeapi.FrontCounters // by zone, what removed listeners have counted
	leaving   []leavingListener
}

// leavingListener is one that was removed while it had clients, which go on counting.
type leavingListener struct {
	zone     string
	counters *listenerCounters
}

// settle takes over what those removed listeners have counted whose last client has gone.
func (b *balancerLedger) settle() {
	b.leaving = slices.DeleteFunc(b.leaving, func(l leavingListener) bool {
		done := l.counters.active.Load() == 0
		if done {
			if b.gone[l.zone] == nil {
				b.gone[l.zone] = &edgeapi.FrontCounters{}
			}
			addFront(b.gone[l.zone], l.counters.read())
		}
		return done
	})
}

type listenerKey struct{ arn, zone string }

type ruleCounter struct{ requests atomic.Uint64 }

func newLedger() ledger {
	return ledger{map[string]*balancerLedger{}, map[string]*groupState{}, map[[2]string]*ruleCounter{}}
}

func (l *ledger) listener(balancer, arn, zone string) *listenerCounters {
	b := l.balancers[balancer]
	if b == nil {
		b = &balancerLedger{listeners: map[listenerKey]*listenerCounters{}, gone: map[string]*edgeapi.FrontCounters{}}
		l.balancers[balancer] = b
	}
	key := listenerKey{arn, zone}
	c := b.listeners[key]
	if c == nil {
		c = &listenerCounters{}
		b.listeners[key] = c
	}
	return c
}

func (l *ledger) rule(listener, arn string) *ruleCounter {
	key := [2]string{listener, arn}
	c := l.rules[key]
	if c == nil {
		c = &ruleCounter{}
		l.rules[key] = c
	}
	return c
}

func (l *ledger) group(arn string) *groupState {
	g := l.groups[arn]
	if g == nil {
		g = &groupState{}
		l.groups[arn] = g
	}
	return g
}

// prune forgets what the snapshot no longer names. Listeners leave their totals to their load balancer.
func (l *ledger) prune(s *edgeapi.Snapshot) {
	listeners, ruleKeys, groups := map[string]map[string]bool{}, map[[2]string]bool{}, map[string]bool{}
	for _, lb := range s.LoadBalancers {
		listeners[lb.ARN] = map[string]bool{}
		for _, ln := range lb.Listeners {
			listeners[lb.ARN][ln.ARN] = true
			for _, r := range ln.Rules {
				ruleKeys[[2]string{ln.ARN, r.ARN}] = true
			}
		}
	}
	for _, g := range s.TargetGroups {
		groups[g.ARN] = true
	}
	for arn, b := range l.balancers {
		if listeners[arn] == nil {
			delete(l.balancers, arn)
			continue
		}
		for key, c := range b.listeners {
			if !listeners[arn][key.arn] {
				b.leaving = append(b.leaving, leavingListener{key.zone, c})
				delete(b.listeners, key)
			}
		}
		b.settle()
	}
	for key := range l.rules {
		if !ruleKeys[key] {
			delete(l.rules, key)
		}
	}
	for arn := range l.groups {
		if !groups[arn] {
			delete(l.groups, arn)
		}
	}
}
