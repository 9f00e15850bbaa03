package network

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/state"
)

// running runs the engine in the bubble until stop is called.
func running(t testing.TB, n *Network) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error("run:", err)
		}
	}
}

func TestInterfaceIsRealisedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, k := openWith(t, nil, newKernel())
		defer running(t, n)()
		var w town
		var i *Interface
		update(t, store, func(tx *state.Tx) { w = build(t, n, tx) })
		synctest.Wait()
		if calls := k.taken(); len(calls) != 1 {
			t.Fatalf("a VPC without interfaces in use costs the fabric %v", calls)
		}
		update(t, store, func(tx *state.Tx) { i = must[*Interface](t)(n.CreateInterface(tx, spec(w.private))) })
		synctest.Wait()
		k.check(t, n, store.View())
		want := []string{"EnsureVPC " + w.vpc.ID, "EnsureGroup " + w.vpc.DefaultGroupID, "EnsureInterface " + i.ID}
		if calls := k.taken(); !slices.Equal(calls, want) {
			t.Fatalf("calls %v, want %v", calls, want)
		}
		update(t, store, func(tx *state.Tx) { ok(t, n.DeleteInterface(tx, i.ID)) })
		synctest.Wait()
		k.check(t, n, store.View())
		if !k.hasVPC(w.vpc.ID) {
			t.Fatal("the VPC went with its last interface, at once")
		}
		time.Sleep(linger + time.Second)
		if k.hasVPC(w.vpc.ID) {
			t.Fatal("the VPC stays without interfaces")
		}
	})
}

// TestCostOfChange holds what the fabric is told to what changed.
func TestCostOfChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, k := openWith(t, nil, newKernel())
		defer running(t, n)()
		var w town
		var web, db *SecurityGroup
		update(t, store, func(tx *state.Tx) {
			w = build(t, n, tx)
			web = must[*SecurityGroup](t)(n.CreateSecurityGroup(tx, testScope, w.vpc.ID, "web", "web"))
			db = must[*SecurityGroup](t)(n.CreateSecurityGroup(tx, testScope, w.vpc.ID, "db", "db"))
			for range 100 {
				must[*Interface](t)(n.CreateInterface(tx, spec(w.private, web.ID)))
				must[*Interface](t)(n.CreateInterface(tx, spec(w.private, db.ID)))
			}
		})
		synctest.Wait()
		k.check(t, n, store.View())
		var i *Interface
		for _, c := range []struct {
			name string
			do   func(tx *state.Tx)
			want []string
		}{
			{"one interface more", func(tx *state.Tx) { i = must[*Interface](t)(n.CreateInterface(tx, spec(w.private, web.ID))) }, []string{"ChangeMembers", "EnsureInterface"}},
			{"another group", func(tx *state.Tx) { ok(t, n.SetInterfaceGroups(tx, i.ID, []string{db.ID})) }, []string{"ChangeMembers", "ChangeMembers", "EnsureInterface"}},
			{"one interface less", func(tx *state.Tx) { ok(t, n.DeleteInterface(tx, i.ID)) }, []string{"DeleteInterface", "ChangeMembers"}},
			{"a rule", func(tx *state.Tx) {
				must[[]*SecurityGroupRule](t)(n.AuthorizeRules(tx, db, []RuleSpec{{Protocol: "tcp", FromPort: 5432, ToPort: 5432, Peer: Peer{GroupID: web.ID}}}))
			}, []string{"EnsureGroup"}},
			{"a tag", func(tx *state.Tx) { n.Tag(tx, testScope, "vpc", w.vpc.ID, map[string]string{"a": "b"}) }, nil},
			{"a description", func(tx *state.Tx) {
				for _, r := range n.RulesOf(tx, db.ID, false) {
					ok(t, n.DescribeRule(tx, r, "from web"))
				}
			}, nil},
			{"an unused group", func(tx *state.Tx) {
				must[*SecurityGroup](t)(n.CreateSecurityGroup(tx, testScope, w.vpc.ID, "unused", "unused"))
			}, nil},
			{"another VPC", func(tx *state.Tx) { must[*VPC](t)(n.CreateVPC(tx, testScope, prefix("10.0.0.0/16"))) }, nil},
			{"a route", func(tx *state.Tx) {
				ok(t, n.DeleteRoute(tx, testScope, w.privateTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0")}))
			}, []string{"EnsureVPC"}},
		} {
			k.taken()
			update(t, store, c.do)
			synctest.Wait()
			k.check(t, n, store.View())
			var kinds []string
			for _, call := range k.taken() {
				kinds = append(kinds, strings.Fields(call)[0])
			}
			if !slices.Equal(kinds, c.want) {
				t.Errorf("%s: calls %v, want %v", c.name, kinds, c.want)
			}
		}
	})
}

func TestRealise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, k := openWith(t, nil, newKernel())
		var w town
		var used, idle *Interface
		update(t, store, func(tx *state.Tx) {
			w = build(t, n, tx)
			used = must[*Interface](t)(n.CreateInterface(tx, spec(w.private)))
			s := spec(w.private)
			s.Idle = true
			idle = must[*Interface](t)(n.CreateInterface(tx, s))
		})
		early, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := n.Realise(early, used.ID); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("before adoption:", err)
		}
		defer running(t, n)()
		if path, err := n.Realise(t.Context(), used.ID); err != nil || path != k.NamespacePath(used.ID) {
			t.Error(path, err)
		}
		if _, err := n.Realise(t.Context(), idle.ID); err == nil {
			t.Error("an interface that nothing is attached to was realised")
		}
		if _, err := n.Realise(t.Context(), "eni-00000000000000000"); !errors.Is(err, ErrInterfaceNotFound) {
			t.Error(err)
		}
		synctest.Wait()
		if i, ok := n.Interface(store.View(), used.ID); !ok || !i.Realised {
			t.Error("not reported")
		}
	})
}

// TestInterfaceGoneBeforeTheLoopLooked realises and deletes an interface between two looks of the loop.
func TestInterfaceGoneBeforeTheLoopLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, k := openWith(t, nil, newKernel())
		stop := running(t, n)
		var i *Interface
		update(t, store, func(tx *state.Tx) { i = must[*Interface](t)(n.CreateInterface(tx, spec(build(t, n, tx).private))) })
		if _, err := n.Realise(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		update(t, store, func(tx *state.Tx) { ok(t, n.DeleteInterface(tx, i.ID)) })
		synctest.Wait()
		k.check(t, n, store.View())
		stop()
	})
}

func TestRestartAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, k := state.Memory(), newKernel()
		n, store, _ := openWith(t, j, k)
		stop := running(t, n)
		var kept, lost *Interface
		update(t, store, func(tx *state.Tx) {
			w := build(t, n, tx)
			kept = must[*Interface](t)(n.CreateInterface(tx, spec(w.private)))
			lost = must[*Interface](t)(n.CreateInterface(tx, spec(w.private)))
		})
		synctest.Wait()
		stop()
		update(t, store, func(tx *state.Tx) { ok(t, n.DeleteInterface(tx, lost.ID)) }) // and then it crashed
		ok(t, store.Close())
		k.adopted = false

		n, store, _ = openWith(t, j, k)
		if n.free(store.View(), subnetPool(&Subnet{ID: kept.SubnetID, CIDR: prefix("10.0.1.0/24")})) != 250 {
			t.Error("addresses were not counted at the start")
		}
		stop = running(t, n)
		k.check(t, n, store.View())
		if _, there := k.interfaces[lost.ID]; there {
			t.Error("an interface without a row is still in the kernel")
		}
		stop()
	})
}

func TestNatGatewayLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, _ := openWith(t, nil, newKernel())
		defer running(t, n)()
		var w town
		var good, bad *NatGateway
		update(t, store, func(tx *state.Tx) {
			w = build(t, n, tx)
			eip := must[*Address](t)(n.AllocateAddress(tx, testScope))
			good = must[*NatGateway](t)(n.CreateNatGateway(tx, testScope, NatGatewaySpec{SubnetID: w.public.ID, AllocationID: eip.ID, PrivateIP: netip.MustParseAddr("10.0.0.77")}))
			bad = must[*NatGateway](t)(n.CreateNatGateway(tx, testScope, NatGatewaySpec{SubnetID: w.public.ID, AllocationID: w.nat.AllocationID}))
		})
		if good.State != NatPending {
			t.Error(good.State)
		}
		synctest.Wait()
		good, _ = n.NatGateways.Get(store.View(), good.ID)
		bad, _ = n.NatGateways.Get(store.View(), bad.ID)
		if good.State != NatAvailable || good.PrivateIP != netip.MustParseAddr("10.0.0.77") || !good.PublicIP.IsValid() {
			t.Errorf("%+v", good)
		}
		if bad.State != NatFailed || bad.FailureCode != "Resource.AlreadyAssociated" {
			t.Errorf("%+v", bad)
		}
		update(t, store, func(tx *state.Tx) {
			i, _ := n.Interfaces.Get(tx, good.InterfaceID)
			if err := n.DisassociateAddress(tx, testScope, i.AssociationID); !errors.Is(err, ErrAuthFailure) {
				t.Error("a NAT gateway's address was taken away:", err)
			}
			ok(t, n.DeleteNatGateway(tx, testScope, good.ID))
		})
		synctest.Wait()
		good, _ = n.NatGateways.Get(store.View(), good.ID)
		if good.State != NatDeleted {
			t.Error(good.State)
		}
		update(t, store, func(tx *state.Tx) {
			if _, there := n.Interfaces.Get(tx, good.InterfaceID); there {
				t.Error("its interface is still there")
			}
			ok(t, n.ReleaseAddress(tx, testScope, good.AllocationID))
			if err := n.DeleteNatGateway(tx, testScope, good.ID); !errors.Is(err, ErrNatGatewayNotFound) {
				t.Error(err)
			}
		})
		time.Sleep(natMemory - time.Minute)
		if _, there := n.NatGateways.Get(store.View(), good.ID); !there {
			t.Error("forgotten too early")
		}
		time.Sleep(2 * time.Minute)
		if n.NatGateways.Len(store.View()) != 1 {
			t.Error("not forgotten")
		}
	})
}

// TestKernelFollowsRows does things at random over a fabric that fails at random, restarts at random, and then wants the kernel to be what
// the rows say.
func TestKernelFollowsRows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		choices := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 5, 60).Draw(r, "choices")
		able := rapid.Bool().Draw(r, "able to be told of members")
		synctest.Test(t, func(t *testing.T) {
			k := newKernel()
			if able {
				followRows(t, k, memberKernel{k}, choices)
			} else {
				followRows(t, k, k, choices)
			}
		})
	})
}

func followRows(t *testing.T, k *kernel, f Fabric, choices []int) {
	j := state.Memory()
	n, store := openOver(t, j, f)
	stop := running(t, n)
	defer func() { stop() }()
	var starts sync.WaitGroup
	var towns []town
	update(t, store, func(tx *state.Tx) { towns = append(towns, build(t, n, tx), build(t, n, tx)) })
	for _, c := range choices {
		w := towns[c%2]
		switch what := c / 2 % 12; what {
		case 10: // from here on every third call fails, though half done
			count := c
			k.mu.Lock()
			k.broken = func(string, string) bool { count++; return count%3 == 0 }
			k.mu.Unlock()
		case 11:
			starts.Wait()
			stop()
			ok(t, store.Close())
			k.adopted = false
			n, store = openOver(t, j, f)
			stop = running(t, n)
		default:
			_ = store.Update(context.Background(), func(tx *state.Tx) error { return randomChange(n, tx, w, what, c/24) })
			if c%3 == 0 { // a task wants its network, whether the loop has seen it or not
				engine, tx := n, store.View()
				starts.Go(func() { realiseSome(engine, w, tx, c) })
			}
			if c%5 == 0 {
				synctest.Wait()
			}
		}
	}
	k.mu.Lock()
	k.broken = nil
	k.mu.Unlock()
	starts.Wait()
	time.Sleep(2 * lastRetry)
	k.check(t, n, store.View())
}

// realiseSome is a task's start; the interface may be gone, or the fabric broken.
func realiseSome(n *Network, w town, tx *state.Tx, pick int) {
	if interfaces := slices.Collect(n.Interfaces.By(tx, "realised", w.vpc.ID)); len(interfaces) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = n.Realise(ctx, interfaces[pick%len(interfaces)].ID)
	}
}

// TestClear empties the store, as a reset does, and wants the kernel empty at once.
func TestClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, store, k := openWith(t, nil, newKernel())
		defer running(t, n)()
		update(t, store, func(tx *state.Tx) {
			w := build(t, n, tx)
			must[*Interface](t)(n.CreateInterface(tx, spec(w.private)))
			must[*Interface](t)(n.CreateInterface(tx, spec(w.public)))
		})
		synctest.Wait()
		ok(t, store.Clear(t.Context()))
		synctest.Wait()
		k.check(t, n, store.View())
		if len(k.taken()) == 0 {
			t.Error("no calls")
		}
		if got := n.free(store.View(), n.public); got != n.public.capacity() {
			t.Errorf("%d public addresses free of %d", got, n.public.capacity())
		}
		update(t, store, func(tx *state.Tx) { must[*Interface](t)(n.CreateInterface(tx, spec(build(t, n, tx).private))) })
		synctest.Wait()
		k.check(t, n, store.View())
	})
}

// randomChange does one thing that users and services do; what is refused changes nothing.
func randomChange(n *Network, tx *state.Tx, w town, what, pick int) error {
	interfaces := slices.Collect(n.Interfaces.By(tx, "realised", w.vpc.ID))
	groups := slices.Collect(n.Groups.By(tx, "vpc", w.vpc.ID))
	group := groups[pick%len(groups)]
	subnet := []*Subnet{w.public, w.private}[pick%2]
	switch what {
	case 0, 1, 2:
		s := spec(subnet, group.ID)
		s.AssignPublicIP = pick%3 == 0
		_, err := n.CreateInterface(tx, s)
		return err
	case 3, 4:
		if len(interfaces) == 0 {
			return nil
		}
		return n.DeleteInterface(tx, interfaces[pick%len(interfaces)].ID)
	case 5:
		if len(interfaces) == 0 {
			return nil
		}
		return n.SetInterfaceGroups(tx, interfaces[pick%len(interfaces)].ID, []string{group.ID})
	case 6:
		_, err := n.CreateSecurityGroup(tx, testScope, w.vpc.ID, NewID("name"), "")
		return err
	case 7:
		peer := groups[pick/7%len(groups)]
		_, err := n.AuthorizeRules(tx, group, []RuleSpec{{Protocol: "tcp", FromPort: pick % 9, ToPort: 9, Peer: Peer{GroupID: peer.ID}}})
		return err
	case 8:
		if pick%2 == 0 {
			return n.DeleteSecurityGroup(tx, testScope, group.ID)
		}
		rules := n.RulesOf(tx, group.ID, pick%4 == 1)
		if len(rules) == 0 {
			return nil
		}
		_, err := n.RevokeRuleIDs(tx, group, pick%4 == 1, []string{rules[0].ID})
		return err
	default:
		if len(interfaces) == 0 {
			return nil
		}
		r := TableRoute{CIDR: prefix("192.0.2.0/24"), Target: interfaces[pick%len(interfaces)].ID}
		if err := n.CreateRoute(tx, testScope, w.privateTable.ID, r); err == nil {
			return nil
		}
		return n.ReplaceRoute(tx, testScope, w.privateTable.ID, r)
	}
}
