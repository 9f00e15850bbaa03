package balance

import (
	"context"
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Loop takes load balancers to active once the interfaces of their nodes are real, and ends deregistrations whose time is over.
type Loop struct {
	Balance *Balance
	Store   *state.Store
	Log     *slog.Logger
}

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	b := l.Balance
	w := l.Store.Watch(b.LoadBalancers, b.Targets, b.network.Status)
	defer w.Close()
	dirty := map[string]bool{}
	for lb := range b.LoadBalancers.All(l.Store.View(), "") {
		dirty[lb.ARN] = true
	}
	for {
		next, err := l.step(ctx, dirty)
		if err != nil {
			return err
		}
		changes, err := l.wait(ctx, w, next)
		if err != nil {
			return err
		}
		clear(dirty)
		l.mark(changes, dirty)
	}
}

// mark collects the load balancers that changes are about.
func (l *Loop) mark(changes []state.Change, dirty map[string]bool) {
	b := l.Balance
	for _, c := range changes {
		switch c.Table {
		case b.LoadBalancers.Name():
			dirty[c.Key] = true
		case b.network.Status.Name():
			for lb := range b.LoadBalancers.By(l.Store.View(), "interface", c.Key) {
				dirty[lb.ARN] = true
			}
		}
	}
}

// step does what is due and returns when it has to look again without anything having changed.
func (l *Loop) step(ctx context.Context, dirty map[string]bool) (next time.Time, err error) {
	err = l.Store.Update(ctx, func(tx *state.Tx) error {
		for arn := range dirty {
			l.Balance.settle(tx, arn, l.Log)
		}
		next = l.Balance.RemoveDrained(tx, l.Balance.clock.Now())
		return nil
	})
	return next, err
}

// wait returns at the next change, or with none at the given time; the zero time never comes.
func (l *Loop) wait(ctx context.Context, w *state.Watch, until time.Time) ([]state.Change, error) {
	if until.IsZero() {
		return w.Next(ctx)
	}
	timer := time.NewTimer(until.Sub(l.Balance.clock.Now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.Ready():
		return w.Take()
	case <-timer.C:
		return nil, nil
	}
}

// settle notes which nodes of a load balancer have become real, and makes it active when all have.
func (b *Balance) settle(tx *state.Tx, arn string, log *slog.Logger) {
	lb, ok := b.LoadBalancers.Get(tx, arn)
	if !ok {
		return
	}
	c := lb.clone()
	changed, ready := false, true
	for i := range c.Nodes {
		n := &c.Nodes[i]
		if !n.Ready {
			if s, ok := b.network.Status.Get(tx, n.InterfaceID); ok && realised(s) {
				n.Ready, changed = true, true
			}
		}
		ready = ready && n.Ready
	}
	if ready && c.State == StateProvisioning {
		c.State, changed = StateActive, true
		log.Info("load balancer is active", "load_balancer", c.Name, "arn", c.ARN, "dns_name", c.DNSName)
	}
	if changed {
		b.LoadBalancers.Put(tx, c)
	}
}

func realised(s *network.Status) bool { return s.Realised }
