package publish

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// poll is how long edge may keep a status request that has nothing new.
const poll = 30 * time.Second

// follower follows edge's status.
type follower struct {
	*Publisher
	behind chan<- struct{}
	closed map[string]string // what edge cannot listen on, and why, as last told
}

func (f *follower) run(ctx context.Context) error {
	var seq uint64
	wait := firstRetry
	for {
		s, err := f.Edge.Status(ctx, seq, poll)
		if err != nil {
			if wait, err = rest(ctx, wait); err != nil {
				return err
			}
			continue
		}
		wait, seq = firstRetry, s.Seq
		if err := f.take(ctx, s); err != nil {
			return err
		}
	}
}

func (f *follower) take(ctx context.Context, s *edgeapi.Status) error {
	f.report(s)
	behind := false
	err := f.Store.Update(ctx, func(tx *state.Tx) error {
		f.Balance.Observe(tx, s.Generation, f.aggregate(tx, s.Targets))
		behind = !f.Balance.Reached(tx, s.Generation)
		return nil
	})
	if behind {
		select {
		case f.behind <- struct{}{}:
		default:
		}
	}
	return err
}

func observation(t *edgeapi.TargetStatus) balance.Observation {
	return balance.Observation{
		TargetGroupARN: t.Group, ID: t.Target, Port: t.Port, Drained: t.Drained,
		Verdict: balance.Verdict{State: string(t.State), Reason: t.Reason, Description: t.Description},
	}
}

// report logs what edge begins or ceases to be unable to listen on.
func (f *follower) report(s *edgeapi.Status) {
	now := map[string]string{}
	for _, list := range [][]edgeapi.SocketStatus{s.Nodes, s.Zones, s.Doors} {
		for _, socket := range list {
			if !socket.Open && socket.Error != "" {
				now[socket.ID+" "+socket.Address] = socket.Error
			}
		}
	}
	for socket, why := range now {
		if f.closed[socket] != why {
			f.Log.Warn("edge cannot listen", "socket", socket, "error", why)
		}
	}
	f.closed = now
}
