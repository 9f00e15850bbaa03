package balance_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// inService is a ground with one target group behind a listener.
func inService(t testing.TB) (*balancetest.Ground, *balance.TargetGroup) {
	g := balancetest.New(t)
	tg := g.TargetGroup(t, "web")
	g.Listener(t, g.LoadBalancer(t, "web"), 80, tg)
	return g, tg
}

func spec(ip string) []balance.TargetSpec { return []balance.TargetSpec{{ID: ip, Port: 8080}} }

func register(t testing.TB, g *balancetest.Ground, tg *balance.TargetGroup, ip string) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error { return g.Balance.Register(tx, tg.ARN, spec(ip)) })
}

func deregister(t testing.TB, g *balancetest.Ground, tg *balance.TargetGroup, ip string) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error { return g.Balance.Deregister(tx, tg.ARN, spec(ip)) })
}

// serve is edge acknowledging a new snapshot; it returns its generation.
func serve(t testing.TB, g *balancetest.Ground) (generation uint64) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error {
		generation = g.Balance.Assign(tx, 0)
		g.Balance.Acknowledge(tx, generation)
		return nil
	})
	return generation
}

func observe(t testing.TB, g *balancetest.Ground, generation uint64, all ...balance.Observation) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error {
		g.Balance.Observe(tx, generation, all)
		return nil
	})
}

func seen(tg *balance.TargetGroup, ip, state, reason, description string) balance.Observation {
	return balance.Observation{
		TargetGroupARN: tg.ARN, ID: ip, Port: 8080, Verdict: balance.Verdict{State: state, Reason: reason, Description: description},
	}
}

func verdict(g *balancetest.Ground, tg *balance.TargetGroup, ip string) string {
	v := g.Balance.Verdict(g.Store.View(), tg.ARN, ip, 8080)
	return fmt.Sprintf("%s|%s|%s", v.State, v.Reason, v.Description)
}

const ip = "10.0.0.77"

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup)
		want string
	}{
		{
			"not registered", func(*testing.T, *balancetest.Ground, *balance.TargetGroup) {},
			"unused|Target.NotRegistered|Target is not registered to the target group",
		},
		{"registered", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
		}, "initial|Elb.RegistrationInProgress|Target registration is in progress"},
		{"healthy", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Healthy, "", ""))
		}, "healthy||"},
		{"unhealthy", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Unhealthy, "Target.ResponseCodeMismatch", "Health checks failed with these codes: [502]"))
		}, "unhealthy|Target.ResponseCodeMismatch|Health checks failed with these codes: [502]"},
		{"said of a snapshot before it was registered", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			generation := serve(t, g)
			register(t, g, tg, ip)
			observe(t, g, generation, seen(tg, ip, balance.Healthy, "", ""))
		}, "initial|Elb.RegistrationInProgress|Target registration is in progress"},
		{"no longer probed", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Healthy, "", ""))
			observe(t, g, serve(t, g))
		}, "initial|Elb.RegistrationInProgress|Target registration is in progress"},
		{"draining", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Healthy, "", ""))
			deregister(t, g, tg, ip)
		}, "draining|Target.DeregistrationInProgress|Target deregistration is in progress"},
		{"back again", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Healthy, "", ""))
			deregister(t, g, tg, ip)
			register(t, g, tg, ip)
		}, "initial|Elb.RegistrationInProgress|Target registration is in progress"},
		{"group not in use", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			observe(t, g, serve(t, g), seen(tg, ip, balance.Healthy, "", ""))
			g.Do(t, func(tx *state.Tx) error {
				for l := range g.Balance.Listeners.All(tx, "") {
					if err := g.Balance.DeleteListener(tx, balancetest.Scope, l.ARN); err != nil {
						return err
					}
				}
				return nil
			})
		}, "unused|Target.NotInUse|Target group is not configured to receive traffic from the load balancer"},
		{"zone not enabled", func(t *testing.T, g *balancetest.Ground, tg *balance.TargetGroup) {
			register(t, g, tg, ip)
			g.Do(t, func(tx *state.Tx) error {
				lb, _ := g.Balance.LoadBalancerOf(tx, tg.ARN)
				_, err := g.Balance.SetSubnets(tx, balancetest.Scope, lb.ARN, balance.Placements(g.Subnets[1].ID, g.Subnets[2].ID))
				return err
			})
		}, "unused|Target.NotInUse|Target is in an Availability Zone that is not enabled for the load balancer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, tg := inService(t)
			c.do(t, g, tg)
			if got := verdict(g, tg, ip); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRegisterChecksTargets(t *testing.T) {
	for _, c := range []struct {
		name string
		spec balance.TargetSpec
		zone string
		want string // error, empty for none
	}{
		{"in a subnet", balance.TargetSpec{ID: "10.0.1.9"}, "us-east-1b", ""},
		{"in a subnet, its zone", balance.TargetSpec{ID: "10.0.1.9", Zone: "us-east-1b"}, "us-east-1b", ""},
		{
			"in a subnet, all zones",
			balance.TargetSpec{ID: "10.0.1.9", Zone: "all"},
			"",
			"ValidationError: The IP address '10.0.1.9' is within the VPC, and cannot have its Availability Zone overridden to 'all' from 'us-east-1b'",
		},
		{"outside, all zones", balance.TargetSpec{ID: "192.168.7.7", Zone: "all"}, "all", ""},
		{"outside, a zone", balance.TargetSpec{ID: "192.168.7.7", Zone: "us-east-1a"}, "us-east-1a", ""},
		{
			"outside, no zone",
			balance.TargetSpec{ID: "192.168.7.7"},
			"",
			"ValidationError: The Availability Zone is required for IP address '192.168.7.7' because it is not in the VPC",
		},
		{
			"outside, zone of another region",
			balance.TargetSpec{ID: "192.168.7.7", Zone: "eu-west-1a"},
			"",
			"ValidationError: You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '192.168.7.7' is outside the VPC",
		},
		{
			"public",
			balance.TargetSpec{ID: "8.8.8.8", Zone: "all"},
			"",
			"ValidationError: The IP address '8.8.8.8' is not in the VPC and not in a range of private addresses",
		},
		{
			"not an address",
			balance.TargetSpec{ID: "i-0123456789abcdef0"},
			"",
			"ValidationError: The IP address 'i-0123456789abcdef0' is not a valid IPv4 address",
		},
		{"IPv6", balance.TargetSpec{ID: "fd00::1"}, "", "ValidationError: The IP address 'fd00::1' is not a valid IPv4 address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, tg := inService(t)
			err := g.Store.Update(t.Context(), func(tx *state.Tx) error {
				return g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{c.spec})
			})
			if c.want != "" {
				if err == nil || err.Error() != c.want {
					t.Errorf("got %v\nwant %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			target, ok := g.Balance.Target(g.Store.View(), tg.ARN, c.spec.ID, tg.Port)
			if !ok || target.Zone != c.zone {
				t.Errorf("target %+v, want zone %s and the group's port", target, c.zone)
			}
		})
	}
}

func TestRegisterUnknownGroup(t *testing.T) {
	g := balancetest.New(t)
	err := g.Store.Update(t.Context(), func(tx *state.Tx) error { return g.Balance.Register(tx, "arn:nothing", spec(ip)) })
	if !errors.Is(err, balance.ErrTargetGroupNotFound) {
		t.Errorf("got %v", err)
	}
	err = g.Store.Update(t.Context(), func(tx *state.Tx) error {
		return balance.Traffic{Balance: g.Balance}.Attach(tx, &task.Task{Targets: []task.Target{{TargetGroupARN: "arn:nothing", ContainerPort: 80}}})
	})
	if want := "failed to register targets in (target-group arn:nothing) with (error Target groups 'arn:nothing' not found)"; err == nil || err.Error() != want {
		t.Errorf("a task: %v, want %s", err, want)
	}
}

func TestTooManyTargets(t *testing.T) {
	g, tg := inService(t)
	var specs []balance.TargetSpec
	for port := range balance.MaxTargets + 1 {
		specs = append(specs, balance.TargetSpec{ID: ip, Port: 1000 + port})
	}
	err := g.Store.Update(t.Context(), func(tx *state.Tx) error { return g.Balance.Register(tx, tg.ARN, specs) })
	if !errors.Is(err, balance.ErrTooManyTargets) {
		t.Errorf("got %v", err)
	}
	g.Do(t, func(tx *state.Tx) error { return g.Balance.Register(tx, tg.ARN, specs[1:]) })
}

func TestDeregisterWithoutTrafficIsAtOnce(t *testing.T) {
	g := balancetest.New(t)
	idle := g.TargetGroup(t, "idle") // nothing forwards to it
	register(t, g, idle, ip)
	deregister(t, g, idle, ip)
	deregister(t, g, idle, ip)
	if !g.Balance.Deregistered(g.Store.View(), idle.ARN, ip, 8080) {
		t.Error("still registered")
	}

	g, none := inService(t)
	g.Do(t, func(tx *state.Tx) error {
		g.Balance.SetTargetGroupAttributes(tx, none, balance.TargetGroupAttributes{DeregistrationDelay: 0})
		return nil
	})
	register(t, g, none, ip)
	deregister(t, g, none, ip)
	if !g.Balance.Deregistered(g.Store.View(), none.ARN, ip, 8080) {
		t.Error("still registered though the group has no deregistration delay")
	}
}

// Drained as edge says it counts only if it is about this deregistration.
func TestDrainedOfAnEarlierDeregistration(t *testing.T) {
	g, tg := inService(t)
	register(t, g, tg, ip)
	deregister(t, g, tg, ip)
	drained := seen(tg, ip, balance.Draining, "", "")
	drained.Drained = true
	earlier := serve(t, g)

	register(t, g, tg, ip) // it comes back and goes again before edge has heard of it
	deregister(t, g, tg, ip)
	observe(t, g, earlier, drained)
	if g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
		t.Fatal("ended by what edge said of an earlier deregistration")
	}
	observe(t, g, serve(t, g), drained)
	if !g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
		t.Error("still there after it drained")
	}
}

// Without a rule that forwards to the group there is nothing to wait for.
func TestDrainingEndsWhenTheGroupGoesOutOfUse(t *testing.T) {
	g, tg := inService(t)
	register(t, g, tg, ip)
	before := serve(t, g)
	deregister(t, g, tg, ip)
	g.Do(t, func(tx *state.Tx) error {
		lb, _ := g.Balance.LoadBalancerOf(tx, tg.ARN)
		return g.Balance.DeleteLoadBalancer(tx, balancetest.Scope, lb.ARN)
	})
	observe(t, g, before)
	if g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
		t.Fatal("ended though edge has not heard of it")
	}
	observe(t, g, serve(t, g))
	if !g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
		t.Error("still draining")
	}
}

func TestLoopEndsDeregistrationsAtTheirDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, tg := inService(t)
		done := run(t, g)
		register(t, g, tg, "10.0.0.70")
		register(t, g, tg, "10.0.0.71")
		deregister(t, g, tg, "10.0.0.70")
		time.Sleep(100 * time.Second)
		deregister(t, g, tg, "10.0.0.71")

		gone := func(ip string) bool { return g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) }
		time.Sleep(200*time.Second - time.Millisecond)
		synctest.Wait()
		if gone("10.0.0.70") {
			t.Error("the first is gone before its deadline")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if !gone("10.0.0.70") || gone("10.0.0.71") {
			t.Error("at its deadline the first is to be gone and nothing else")
		}
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if !gone("10.0.0.71") {
			t.Error("the second is there after its deadline")
		}
		done()
	})
}

// A restart goes on with the deadlines that were set.
func TestDeadlineSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, tg := inService(t)
		register(t, g, tg, ip)
		deregister(t, g, tg, ip)
		g.Store.Close()
		time.Sleep(299 * time.Second)
		g = balancetest.Open(t, g.Journal)
		done := run(t, g)
		synctest.Wait()
		if g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
			t.Error("gone before its deadline")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !g.Balance.Deregistered(g.Store.View(), tg.ARN, ip, 8080) {
			t.Error("there after its deadline")
		}
		done()
	})
}

func TestLoadBalancerBecomesActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := balancetest.New(t)
		done := run(t, g)
		lb := g.LoadBalancer(t, "web")
		synctest.Wait()
		now := func() *balance.LoadBalancer {
			l, _ := g.Balance.LoadBalancers.Get(g.Store.View(), lb.ARN)
			return l
		}
		if now().State != balance.StateProvisioning {
			t.Error("active without real interfaces")
		}
		g.Realise(t)
		synctest.Wait()
		if l := now(); l.State != balance.StateActive || !l.Nodes[0].Ready || !l.Nodes[1].Ready || !l.Nodes[2].Ready {
			t.Errorf("not active once its interfaces are real: %+v", l)
		}
		done()
	})
}

func run(t *testing.T, g *balancetest.Ground) (stop func()) {
	t.Helper()
	return runLoop(t, &balance.Loop{Balance: g.Balance, Store: g.Store, Log: discard})
}

func TestErrorsHaveAWSCodes(t *testing.T) {
	var e *awserr.Error
	if err := error(balance.ErrResourceInUse.New("x")); !errors.As(err, &e) || e.Status != 400 || e.Code != "ResourceInUse" {
		t.Errorf("got %+v", e)
	}
}
