package network

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

var testScope = Scope{"123456789012", "us-east-1"}

// fatal is what tests, benchmarks and property checks have in common.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// open makes an engine over a fabric, by default one that only remembers.
func open(t testing.TB, j state.Journal) (*Network, *state.Store) {
	t.Helper()
	n, store, _ := openWith(t, j, newKernel())
	return n, store
}

func openWith(t testing.TB, j state.Journal, k *kernel) (*Network, *state.Store, *kernel) {
	t.Helper()
	n, store := openOver(t, j, memberKernel{k})
	return n, store, k
}

func openOver(t testing.TB, j state.Journal, f Fabric) (*Network, *state.Store) {
	t.Helper()
	if j == nil {
		j = state.Memory()
	}
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(context.Background(), schema, j)
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(context.Background(), Config{
		Store: store, Tables: tables, Fabric: f, Log: slog.New(slog.DiscardHandler), PublicPool: netip.MustParsePrefix("198.18.0.0/20"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, store
}

func update(t fatal, store *state.Store, fn func(tx *state.Tx)) {
	t.Helper()
	err := store.Update(context.Background(), func(tx *state.Tx) error {
		fn(tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t fatal) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// kernel is a fabric that remembers what it was told, checks the order it was told in, and fails on demand.
type kernel struct {
	mu         sync.Mutex
	adopted    bool
	vpcs       map[string]VPCConfig
	interfaces map[string]InterfaceConfig
	groups     map[string]GroupConfig
	calls      []string
	broken     func(call, id string) bool
	dangling   map[string]bool // VPCs told of a route to an interface that was not there
	violations []string
}

func newKernel() *kernel {
	return &kernel{vpcs: map[string]VPCConfig{}, interfaces: map[string]InterfaceConfig{}, groups: map[string]GroupConfig{}, dangling: map[string]bool{}}
}

var errBroken = errors.New("broken on demand")

// call notes a call and says whether it fails; what it does, it may have done then.
func (k *kernel) call(name, id string, do func()) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, name+" "+id)
	if !k.adopted && name != "Adopt" {
		k.violations = append(k.violations, name+" before Adopt")
	}
	do()
	if k.broken != nil && k.broken(name, id) {
		return errBroken
	}
	return nil
}

func (k *kernel) violated(format string) { k.violations = append(k.violations, format) }

func (k *kernel) EnsureVPC(_ context.Context, v VPCConfig) error {
	return k.call("EnsureVPC", v.ID, func() {
		k.dangling[v.ID] = false
		for _, s := range v.Subnets {
			for _, r := range s.Routes {
				if _, ok := k.interfaces[r.Interface]; r.Via == RouteInterface && !ok {
					k.dangling[v.ID] = true
				}
			}
		}
		k.vpcs[v.ID] = v
	})
}

func (k *kernel) DeleteVPC(_ context.Context, id string) error {
	return k.call("DeleteVPC", id, func() {
		for _, i := range k.interfaces {
			if i.VPC == id {
				k.violated("vpc deleted before interface " + i.ID)
			}
		}
		maps.DeleteFunc(k.groups, func(_ string, g GroupConfig) bool { return g.VPC == id })
		delete(k.vpcs, id)
	})
}

func (k *kernel) EnsureInterface(_ context.Context, i InterfaceConfig) error {
	return k.call("EnsureInterface", i.ID, func() {
		if !slices.ContainsFunc(k.vpcs[i.VPC].Subnets, func(s SubnetConfig) bool { return s.ID == i.Subnet }) {
			k.violated("interface " + i.ID + " before its subnet")
		}
		k.interfaces[i.ID] = i
	})
}

func (k *kernel) DeleteInterface(_ context.Context, _, id string) error {
	return k.call("DeleteInterface", id, func() { delete(k.interfaces, id) })
}

func (k *kernel) EnsureGroup(_ context.Context, g GroupConfig) error {
	return k.call("EnsureGroup", g.ID, func() { k.groups[g.ID] = g })
}

func (k *kernel) DeleteGroup(_ context.Context, _, id string) error {
	return k.call("DeleteGroup", id, func() { delete(k.groups, id) })
}

func (k *kernel) NamespacePath(id string) string { return "/run/netns/" + id }

func (k *kernel) Adopt(_ context.Context, vpcs, interfaces []string) error {
	return k.call("Adopt", "", func() {
		k.adopted = true
		maps.DeleteFunc(k.vpcs, func(id string, _ VPCConfig) bool { return !slices.Contains(vpcs, id) })
		maps.DeleteFunc(k.groups, func(_ string, g GroupConfig) bool { return !slices.Contains(vpcs, g.VPC) })
		maps.DeleteFunc(k.interfaces, func(id string, _ InterfaceConfig) bool { return !slices.Contains(interfaces, id) })
	})
}

func (k *kernel) hasVPC(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.vpcs[id]
	return ok
}

// taken are the calls since the last time it was asked.
func (k *kernel) taken() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	calls := k.calls
	k.calls = nil
	return calls
}

// check compares what the kernel has with what the rows want.
func (k *kernel) check(t fatal, n *Network, tx *state.Tx) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.violations) > 0 {
		t.Fatal("order of calls:", k.violations)
	}
	interfaces := map[string]InterfaceConfig{}
	for i := range n.Interfaces.All(tx, "") {
		if i.realises() {
			interfaces[i.ID] = interfaceConfig(i)
			if s, ok := n.Status.Get(tx, i.ID); !ok || !s.Realised {
				t.Fatal("interface not reported as realised:", i.ID)
			}
		}
	}
	if !reflect.DeepEqual(interfaces, k.interfaces) {
		t.Fatal("interfaces in the kernel:", slices.Sorted(maps.Keys(k.interfaces)), "wanted:", slices.Sorted(maps.Keys(interfaces)))
	}
	if n.Status.Len(tx) != len(interfaces) {
		t.Fatal("statuses:", n.Status.Len(tx), "interfaces:", len(interfaces))
	}
	for v := range n.VPCs.All(tx, "") {
		if n.inUse(tx, v.ID) && !reflect.DeepEqual(n.vpcConfig(tx, v), k.vpcs[v.ID]) {
			t.Fatal("vpc in the kernel:", k.vpcs[v.ID], "wanted:", n.vpcConfig(tx, v))
		}
		if n.inUse(tx, v.ID) && k.dangling[v.ID] {
			t.Fatal("not told again of a route to an interface that was late:", v.ID)
		}
	}
	for id := range k.vpcs {
		if _, ok := n.VPCs.Get(tx, id); !ok {
			t.Fatal("vpc left in the kernel:", id)
		}
	}
	for g := range n.Groups.All(tx, "") {
		want, got := n.groupConfig(tx, g), k.groups[g.ID]
		slices.SortFunc(got.Members, netip.Addr.Compare)
		if len(want.Members) > 0 && !reflect.DeepEqual(want, got) || len(want.Members) == 0 && len(got.Members) > 0 {
			t.Fatal("group in the kernel:", got, "wanted:", want)
		}
	}
}

// groupConfig is the group with its members as the rows have it.
func (t *Tables) groupConfig(tx *state.Tx, g *SecurityGroup) GroupConfig {
	c, m := t.groupRules(tx, g), newMembership()
	m.load(t, tx, g.ID)
	c.Members = m.of(g.ID)
	return c
}

// memberKernel is a kernel that has the ability of a MemberFabric.
type memberKernel struct{ *kernel }

func (k memberKernel) ChangeMembers(_ context.Context, _, group string, joined, left []netip.Addr) error {
	return k.call("ChangeMembers", group, func() {
		g, ok := k.groups[group]
		if !ok {
			k.violated("members of group " + group + " before the group")
		}
		g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(a netip.Addr) bool { return slices.Contains(left, a) || slices.Contains(joined, a) })
		g.Members = append(g.Members, joined...)
		k.groups[group] = g
	})
}
