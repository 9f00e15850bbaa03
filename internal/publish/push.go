package publish

import (
	"context"
	"errors"
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
	reachable bool
}

func (p *pusher) run(ctx context.Context) error {
	b, n := p.Balance, p.Network
	w := p.Store.Watch(b.LoadBalancers, b.Listeners, b.Rules, b.TargetGroups, b.Targets, n.VPCs, n.Interfaces)
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

// matter is whether a snapshot depends on any of the changed rows. Of the many interfaces only nodes do, and the first of a VPC.
func (p *pusher) matter(changes []state.Change) bool {
	tx := p.Store.View()
	for _, c := range changes {
		if c.Table != p.Network.Interfaces.Name() || p.sentNodes[c.Key] {
			return true
		}
		if i, ok := p.Network.Interfaces.Get(tx, c.Key); ok && !p.sentZones[i.VPCID] && p.real(tx, i.VPCID) {
			return true
		}
	}
	return false
}

// push puts the rows as they are, as often as it takes. A snapshot that edge refuses leaves the last one in service until rows
// change.
func (p *pusher) push(ctx context.Context) error {
	for wait := firstRetry; ; {
		s, err := p.snapshot(ctx)
		if err != nil {
			return err
		}
		err = p.Edge.Put(ctx, s)
		if err == nil {
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
func (p *pusher) snapshot(ctx context.Context) (*edgeapi.Snapshot, error) {
	var generation uint64
	err := p.Store.Update(ctx, func(tx *state.Tx) error {
		generation = p.Balance.Assign(tx, p.served)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := p.Build(p.Store.View())
	s.Generation = generation
	return s, nil
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
	return p.Store.Update(ctx, func(tx *state.Tx) error {
		p.Balance.Acknowledge(tx, s.Generation)
		return nil
	})
}
