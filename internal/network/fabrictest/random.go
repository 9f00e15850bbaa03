package fabrictest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/network"
)

// Random furnishes a fabric and a Fake alike, at random, changes some of it, and compares what becomes of datagrams between random pairs.
// The seed makes it repeatable.
func Random(t *testing.T, s Subject, seed uint64, pairs int) {
	t.Logf("seed %d", seed)
	both := pair{s, NewFake()}
	r := &dice{rand.New(rand.NewPCG(seed, 1)), newGround(t, both, "vpc-1")}
	for i := range 4 {
		r.vpc.Public = append(r.vpc.Public, network.PublicAddress{Public: s.Public(10 + i), Private: netip.MustParseAddr(r.address(i * 3))})
	}
	r.ensure()
	for i := range randomGroups {
		r.restate(i)
	}
	for i := range randomInterfaces {
		r.reattach(i)
	}
	answered := 0
	for left, port := pairs, 10; left > 0; left, port = left-25, port+10 { // another port each time: what is established is not asked again
		answered += r.compare(both, min(left, 25), port)
		for range 3 {
			r.restate(r.IntN(randomGroups))
			r.reattach(r.IntN(randomInterfaces))
		}
	}
	t.Logf("%d of %d datagrams answered", answered, pairs)
}

const (
	randomGroups     = 6
	randomInterfaces = 12
)

// pair is a fabric and the oracle, which are told the same.
type pair struct {
	Subject
	oracle *Fake
}

type dice struct {
	*rand.Rand
	*ground
}

func (r *dice) address(i int) string { return fmt.Sprintf("10.0.%d.%d", i%3, 10+i) }

func (r *dice) reattach(i int) {
	r.t.Helper()
	var groups []string
	for _, g := range r.Perm(randomGroups)[:1+r.IntN(3)] {
		groups = append(groups, fmt.Sprintf("sg-%d", g))
	}
	r.attach(r.address(i), groups...)
}

func (r *dice) restate(i int) {
	r.t.Helper()
	var members []string
	for m := range randomInterfaces {
		if r.IntN(3) == 0 {
			members = append(members, r.address(m))
		}
	}
	r.guard(fmt.Sprintf("sg-%d", i), r.rules(4), r.rules(6), members...)
}

func (r *dice) rules(most int) []network.Rule {
	var all []network.Rule
	for range 1 + r.IntN(most) {
		first := 10 * r.IntN(4)
		one := network.Rule{Protocol: []int{-1, tcp, udp, udp, 1}[r.IntN(5)], FromPort: first, ToPort: first + 10*r.IntN(14)}
		for range r.IntN(3) {
			p := []string{"0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/25", "10.0.2.8/29", "198.18.0.0/15", "203.0.113.0/24", "10.0.1.16/28"}[r.IntN(8)]
			one.CIDRs = append(one.CIDRs, netip.MustParsePrefix(p))
		}
		for range r.IntN(3) {
			one.Groups = append(one.Groups, fmt.Sprintf("sg-%d", r.IntN(randomGroups)))
		}
		all = append(all, one)
	}
	return all
}

// datagramOf is between random interfaces, or with somebody outside.
func (r *dice) datagramOf(port int) Datagram {
	from, to := r.address(r.IntN(randomInterfaces)), r.address(r.IntN(randomInterfaces))
	switch r.IntN(6) {
	case 0:
		to = r.Outside().String()
	case 1:
		from, to = "", r.Public(10+r.IntN(4)).String()
	case 2:
		to = r.Public(10 + r.IntN(4)).String()
	}
	if from == to {
		return r.datagramOf(port)
	}
	return r.datagram(from, to, []int{udp, udp, tcp}[r.IntN(3)], port)
}

// compare asks about different pairs, at once, because waiting for what does not come takes long. It returns how many were answered.
func (r *dice) compare(both pair, pairs, port int) int {
	r.t.Helper()
	asked := map[Datagram]bool{}
	for len(asked) < pairs {
		asked[r.datagramOf(port)] = true
	}
	var wg sync.WaitGroup
	count := 0
	for d := range asked {
		wantSeen, want := both.oracle.Send(d)
		if want {
			count++
		}
		wg.Go(func() {
			seen, answered := both.Send(d, want)
			if answered != want || want && seen != wantSeen {
				r.t.Errorf("%+v: answered %v, seen as %v; want %v, %v", d, answered, seen, want, wantSeen)
			}
		})
	}
	wg.Wait()
	return count
}
