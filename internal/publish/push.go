package publish

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// pause is the least time between two snapshots. A burst of changes becomes one or two of them.
const pause = 10 * time.Millisecond

// pusher puts snapshots.
type pusher struct {
	*Publisher
	behind <-chan struct{} // edge serves an older snapshot than it was given

	served    uint64 // last generation edge is known to serve
	sentNodes map[string]bool
	sentZones map[string]bool
	sentCerts []edgeapi.Certificate
	sentReach map[string][]string
	reachable bool
}

func (p *pusher) run(ctx context.Context) error {
	b, n := p.Balance, p.Network
	tables := []state.AnyTable{b.LoadBalancers, b.Listeners, b.Rules, b.TargetGroups, b.Targets, b.Healths, b.TrustStores, b.Revocations, n.VPCs, n.Interfaces}
	w := p.Store.Watch(append(tables, p.Certificates.Changing()...)...)
	defer w.Close()
	if err := p.greet(ctx); err != nil {
		return err
	}
	for {
		if err := p.push(ctx); err != nil {
			return err
		}
		if _, err := rest(ctx, pause); err != nil {
			return err
		}
		if err := p.wait(ctx, w); err != nil {
			return err
		}
	}
}

// greet learns which generation edge serves: the first snapshot's must be newer.
func (p *pusher) greet(ctx context.Context) error {
	for wait := firstRetry; ; {
		s, err := p.Edge.Status(ctx, 0, 0)
		if err == nil {
			p.served = s.Generation
			return nil
		}
		if wait, err = rest(ctx, wait); err != nil {
			return err
		}
	}
}

// wait returns when there is something new to put.
func (p *pusher) wait(ctx context.Context, w *state.Watch) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.behind:
			return p.greet(ctx)
		case <-w.Ready():
			changes, err := w.Take()
			if err != nil {
				return err
			}
			if p.matter(changes) {
				return nil
			}
		}
	}
}

// matter is whether a snapshot depends on any of the changed rows. Of the many interfaces only nodes do, and the first of a VPC; of
// certificates, those that listeners have; of health, what changes where names lead to.
func (p *pusher) matter(changes []state.Change) bool {
	tx := p.Store.View()
	healths, certificates := false, false
	for _, c := range changes {
		if c.Table == p.Balance.Healths.Name() {
			healths = true
			continue
		}
		if slices.ContainsFunc(p.Certificates.Changing(), func(t state.AnyTable) bool { return t.Name() == c.Table }) {
			certificates = true
			continue
		}
		if c.Table != p.Network.Interfaces.Name() || p.sentNodes[c.Key] {
			return true
		}
		if i, ok := p.Network.Interfaces.Get(tx, c.Key); ok && !p.sentZones[i.VPCID] && p.real(tx, i.VPCID) {
			return true
		}
	}
	return healths && p.reachChanged(tx) || certificates && !slices.Equal(p.Build(tx).Certificates, p.sentCerts)
}

// push puts the rows as they are, as often as it takes. A snapshot that edge refuses leaves the last one in service until rows
// change.
func (p *pusher) push(ctx context.Context) error {
	for wait := firstRetry; ; {
		s, reach, err := p.snapshot(ctx)
		if err != nil {
			return err
		}
		err = p.Edge.Put(ctx, s)
		if err == nil {
			p.sentReach = reach
			return p.acknowledged(ctx, s)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, edgeapi.ErrRejected) {
			status, statusErr := p.Edge.Status(ctx, 0, 0)
			if statusErr != nil || status.Generation < s.Generation {
				p.Log.Error("edge refused a snapshot", "generation", s.Generation, "error", err)
				return nil
			}
			p.served = status.Generation // somebody's newer one is there: overtake it
			continue
		}
		if p.reachable {
			p.Log.Warn("edge does not answer", "error", err)
			p.reachable = false
		}
		if wait, err = rest(ctx, wait); err != nil {
			return err
		}
	}
}

// snapshot takes a number, then reads: see balance.Tables.Ticket for why in this order.
func (p *pusher) snapshot(ctx context.Context) (s *edgeapi.Snapshot, reach map[string][]string, err error) {
	var generation uint64
	var key []byte
	err = p.Store.Update(ctx, func(tx *state.Tx) error {
		generation, key = p.Balance.Assign(tx, p.served), p.Balance.CookieKey(tx)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	tx := p.Store.View()
	s = p.Build(tx)
	s.Generation, s.CookieKey = generation, key
	return s, p.reach(tx), nil
}

func (p *pusher) acknowledged(ctx context.Context, s *edgeapi.Snapshot) error {
	p.served, p.reachable = s.Generation, true
	p.sentNodes, p.sentZones = map[string]bool{}, map[string]bool{}
	for _, n := range s.Nodes {
		p.sentNodes[n.ID] = true
	}
	for _, z := range s.Zones {
		p.sentZones[z.VPC] = true
	}
	p.sentCerts = s.Certificates
	return p.Store.Update(ctx, func(tx *state.Tx) error {
		p.Balance.Acknowledge(tx, s.Generation)
		return nil
	})
}
