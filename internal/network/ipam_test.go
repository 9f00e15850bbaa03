package network

import (
	"context"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/state"
)

// TestPoolAgainstModel takes, claims and releases addresses at random and compares with a plain set.
func TestPoolAgainstModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		schema := state.NewSchema()
		tables := NewTables(schema)
		store, err := state.Open(context.Background(), schema, state.Memory())
		if err != nil {
			r.Fatal(err)
		}
		length := rapid.IntRange(20, 28).Draw(r, "length")
		s := &Subnet{ID: "subnet-1", CIDR: netip.PrefixFrom(netip.MustParseAddr("10.1.0.0"), length)}
		p := subnetPool(s)
		model := map[netip.Addr]bool{}
		update(r, store, func(tx *state.Tx) {
			r.Repeat(map[string]func(*rapid.T){
				"take": func(r *rapid.T) {
					a, ok := tables.take(tx, p)
					if ok != (len(model) < p.capacity()) {
						r.Fatalf("take: ok %v with %d of %d in use", ok, len(model), p.capacity())
					}
					if !ok {
						return
					}
					if model[a] || !p.contains(a) || p.reserved(a) {
						r.Fatalf("take gave %s", a)
					}
					model[a] = true
				},
				"take many": func(r *rapid.T) {
					for range rapid.IntRange(0, 600).Draw(r, "n") {
						if a, ok := tables.take(tx, p); ok {
							model[a] = true
						}
					}
				},
				"claim": func(r *rapid.T) {
					a := p.address(rapid.Uint32Range(p.head, p.size()-p.tail-1).Draw(r, "offset"))
					if tables.taken(tx, p, a) != model[a] {
						r.Fatalf("taken(%s) is %v", a, !model[a])
					}
					tables.claim(tx, p, a)
					model[a] = true
				},
				"release": func(r *rapid.T) {
					for a := range model {
						tables.release(tx, p, a)
						delete(model, a)
						if tables.taken(tx, p, a) {
							r.Fatalf("%s is taken after its release", a)
						}
						return
					}
				},
				"": func(r *rapid.T) {
					if got, want := tables.free(tx, p), p.capacity()-len(model); got != want {
						r.Fatalf("%d free, want %d", got, want)
					}
				},
			})
		})
	})
}

func TestSubnetPoolEdges(t *testing.T) {
	for _, c := range []struct {
		cidr        string
		capacity    int
		first, last string
	}{
		{"10.0.0.0/28", 11, "10.0.0.4", "10.0.0.14"},
		{"10.0.1.0/24", 251, "10.0.1.4", "10.0.1.254"},
		{"10.0.0.0/16", 65531, "10.0.0.4", "10.0.255.254"},
	} {
		n, store := open(t, nil)
		p := subnetPool(&Subnet{ID: "subnet-1", CIDR: netip.MustParsePrefix(c.cidr)})
		update(t, store, func(tx *state.Tx) {
			var first, last netip.Addr
			count := 0
			for a, ok := n.take(tx, p); ok; a, ok = n.take(tx, p) {
				if count == 0 {
					first = a
				}
				last = a
				count++
			}
			if count != c.capacity || first.String() != c.first || last.String() != c.last {
				t.Errorf("%s: %d addresses from %s to %s", c.cidr, count, first, last)
			}
		})
	}
}

// TestReleasedAddressRests holds that an address just given back is not the next to be handed out: connections and caches
// may still know its last owner.
func TestReleasedAddressRests(t *testing.T) {
	n, store := open(t, nil)
	p := subnetPool(&Subnet{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/24")})
	update(t, store, func(tx *state.Tx) {
		a, _ := n.take(tx, p)
		n.release(tx, p, a)
		if b, _ := n.take(tx, p); b == a {
			t.Errorf("%s was handed out again at once", a)
		}
	})
}

func TestAbortedTransactionTakesNothing(t *testing.T) {
	n, store := open(t, nil)
	p := subnetPool(&Subnet{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/28")})
	err := store.Update(t.Context(), func(tx *state.Tx) error {
		n.take(tx, p)
		return context.Canceled
	})
	if err == nil {
		t.Fatal("no error")
	}
	if got := n.free(store.View(), p); got != p.capacity() {
		t.Errorf("%d free, want %d", got, p.capacity())
	}
}

func BenchmarkTakeRelease(b *testing.B) {
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(b.Context(), schema, state.Memory())
	if err != nil {
		b.Fatal(err)
	}
	p := subnetPool(&Subnet{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	update(b, store, func(tx *state.Tx) {
		for range 65000 {
			tables.take(tx, p)
		}
		for b.Loop() {
			a, _ := tables.take(tx, p)
			tables.release(tx, p, a)
		}
	})
}
