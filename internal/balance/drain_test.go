package balance_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/state"
)

var discard = slog.New(slog.DiscardHandler)

func runLoop(t testing.TB, l *balance.Loop) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("loop ended with %v", err)
		}
	}
}

// TestDraining registers and deregisters targets at random while edge answers late, and holds the promise that matters: a target that was
// in service disappears only after edge, serving a snapshot that has it draining, said it drained, or after its deadline.
func TestDraining(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) { checkDraining(t, rt) })
	})
}

// drains is what the test knows of one target.
type drains struct {
	deadline time.Time
	since    uint64 // generations above this one have it draining
	drained  bool   // edge said so of such a generation
}

func checkDraining(t *testing.T, rt *rapid.T) {
	g, tg := inService(t)
	stop := runLoop(t, &balance.Loop{Balance: g.Balance, Store: g.Store, Log: discard})
	defer stop()
	known := map[string]*drains{} // targets on their way out
	var served []uint64
	content := map[uint64][]*balance.Target{}
	assigned := uint64(0)
	delay := tg.Attributes.DeregistrationDelay

	gone := func(ip string) bool { return g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) }
	check := func() {
		synctest.Wait()
		for ip, d := range known {
			switch over := !time.Now().Before(d.deadline); {
			case gone(ip) && !d.drained && !over:
				rt.Fatalf("%s is gone %v before its deadline and was not drained", ip, time.Until(d.deadline))
			case !gone(ip) && (d.drained || over):
				rt.Fatalf("%s is there though it drained (%v) or its time is over (%v)", ip, d.drained, over)
			case gone(ip):
				delete(known, ip)
			}
		}
	}
	for range rapid.IntRange(1, 25).Draw(rt, "steps") {
		ip := fmt.Sprintf("10.0.0.%d", rapid.IntRange(10, 12).Draw(rt, "ip"))
		switch rapid.SampledFrom([]string{"register", "deregister", "snapshot", "observe", "wait"}).Draw(rt, "step") {
		case "register":
			register(t, g, tg, ip)
			delete(known, ip)
		case "deregister":
			if !gone(ip) && known[ip] == nil {
				known[ip] = &drains{deadline: time.Now().Truncate(time.Millisecond).Add(delay), since: assigned}
			}
			deregister(t, g, tg, ip)
		case "snapshot":
			g.Do(t, func(tx *state.Tx) error {
				assigned = g.Balance.Assign(tx, 0)
				return nil
			})
			served = append(served, assigned)
			content[assigned] = g.Balance.TargetsOf(g.Store.View(), tg.ARN)
		case "observe":
			if len(served) == 0 {
				continue
			}
			generation := rapid.SampledFrom(served).Draw(rt, "generation")
			var all []balance.Observation
			for _, target := range content[generation] {
				o := seen(tg, target.ID, balance.Healthy, "", "")
				o.Drained = target.Draining() && rapid.Bool().Draw(rt, "drained")
				if d := known[target.ID]; o.Drained && d != nil && generation > d.since {
					d.drained = true
				}
				all = append(all, o)
			}
			observe(t, g, generation, all...)
		case "wait":
			time.Sleep(time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second)
		}
		check()
	}
}
