package fabric

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/network"
)

// bigWorld has groups×rules, each group with three members, and one ENI.
func bigWorld(b *testing.B, groups, rules int) *world {
	m := newMachine(b)
	w := newWorld(b, m, m.start(), "vpc-1")
	for g := range groups {
		w.groupConfig(bigGroup(g, groups, rules))
	}
	w.attach("10.0.0.10", "sg-0")
	return w
}

func bigGroup(g, groups, rules int) network.GroupConfig {
	c := network.GroupConfig{ID: fmt.Sprintf("sg-%d", g), Egress: allowAll}
	for r := range rules {
		c.Ingress = append(c.Ingress, fromGroups(tcp(20000+r, 20000+r), fmt.Sprintf("sg-%d", (g+r)%groups)))
	}
	for i := range 3 {
		c.Members = append(c.Members, netip.AddrFrom4([4]byte{10, 0, byte(100 + g>>8 + i*4), byte(g)}))
	}
	return c
}

var sizes = []struct {
	name          string
	groups, rules int
}{{"small", 3, 3}, {"1000x10", 1000, 10}}

func BenchmarkBuild1000Groups(b *testing.B) {
	m := newMachine(b)
	f := m.start()
	for i := range b.N {
		w := newWorld(b, m, f, fmt.Sprintf("vpc-%d", i))
		for g := range 1000 {
			w.groupConfig(bigGroup(g, 1000, 10))
		}
		check(b, f.DeleteVPC(b.Context(), w.vpc.ID))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*1000), "µs/group")
}

func BenchmarkReadBack1000Groups(b *testing.B) {
	w := bigWorld(b, 1000, 10)
	for b.Loop() {
		b.StopTimer()
		f := w.start()
		b.StartTimer()
		check(b, f.Adopt(b.Context(), []string{"vpc-1"}, w.ids("10.0.0.10")))
	}
}

func BenchmarkEnsureInterface(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			w := bigWorld(b, size.groups, size.rules)
			measure(b, func(i int) { check(b, w.f.EnsureInterface(b.Context(), w.numbered(i))) })
		})
	}
}

// measure times each call by itself and reports the median and the tenth worst: the mean says more about what else the machine does.
func measure(b *testing.B, fn func(i int)) {
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for i := range took {
		start := time.Now()
		fn(i)
		took[i] = time.Since(start)
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds()), "p90-µs")
}

// A used address costs a look at all tracked connections, for many at once.
func BenchmarkReplaceInterface(b *testing.B) {
	w := bigWorld(b, 3, 3)
	measure(b, func(i int) {
		c := w.numbered(i % 64)
		c.ID = fmt.Sprintf("eni-%d", i)
		check(b, w.f.EnsureInterface(b.Context(), c))
		check(b, w.f.DeleteInterface(b.Context(), c.VPC, c.ID))
	})
}

// numbered is the i-th interface of many.
func (w *world) numbered(i int) network.InterfaceConfig {
	return w.config(netip.AddrFrom4([4]byte{10, 0, byte(i>>7) % 3, byte(16 + i&127)}).String(), "sg-0", "sg-1")
}

func BenchmarkDeleteInterface(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			w := bigWorld(b, size.groups, size.rules)
			for i := range b.N {
				check(b, w.f.EnsureInterface(b.Context(), w.numbered(i)))
			}
			measure(b, func(i int) { check(b, w.f.DeleteInterface(b.Context(), "vpc-1", w.numbered(i).ID)) })
		})
	}
}

func BenchmarkEnsureGroup(b *testing.B) {
	w := bigWorld(b, 1000, 10)
	base := bigGroup(7, 1000, 10)
	base.VPC = w.vpc.ID
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			check(b, w.f.EnsureGroup(b.Context(), base))
		}
	})
	b.Run("member", func(b *testing.B) {
		measure(b, func(i int) {
			c := base
			if i%2 == 0 {
				c.Members = append(c.Members[:len(c.Members):len(c.Members)], addr("10.0.99.99"))
			}
			check(b, w.f.EnsureGroup(b.Context(), c))
		})
	})
	b.Run("member of 1000", func(b *testing.B) {
		big := base
		for i := range 1000 {
			big.Members = append(big.Members, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
		}
		check(b, w.f.EnsureGroup(b.Context(), big))
		measure(b, func(i int) {
			c := big
			c.Members = c.Members[:len(c.Members)-i%2]
			check(b, w.f.EnsureGroup(b.Context(), c))
		})
	})
	b.Run("rules", func(b *testing.B) {
		measure(b, func(i int) {
			c := base
			c.Ingress = c.Ingress[:len(c.Ingress)-i%2]
			check(b, w.f.EnsureGroup(b.Context(), c))
		})
	})
}

func BenchmarkEnsureVPC(b *testing.B) {
	w := bigWorld(b, 3, 3)
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			w.ensure()
		}
	})
	b.Run("public address", func(b *testing.B) {
		for i := range b.N {
			w.vpc.Public = []network.PublicAddress{{Public: w.public(i % 100), Private: addr("10.0.0.10")}}
			w.ensure()
		}
	})
}

// A VPC comes and goes as a whole, with its uplink.
func BenchmarkVPC(b *testing.B) {
	m := newMachine(b)
	f := m.start()
	b.Run("create", func(b *testing.B) {
		measure(b, func(i int) { newWorld(b, m, f, fmt.Sprintf("vpc-%d", i)) })
		for i := range b.N {
			check(b, f.DeleteVPC(b.Context(), fmt.Sprintf("vpc-%d", i)))
		}
	})
	b.Run("delete", func(b *testing.B) {
		for i := range b.N {
			newWorld(b, m, f, fmt.Sprintf("vpc-%d", i))
		}
		measure(b, func(i int) { check(b, f.DeleteVPC(b.Context(), fmt.Sprintf("vpc-%d", i))) })
	})
}
