package fabrictest

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/neargate/neargate/internal/network"
)

// Fake is a network.Fabric that only remembers. It is safe for concurrent use.
type Fake struct {
	mu         sync.Mutex
	vpcs       map[string]network.VPCConfig
	interfaces map[string]network.InterfaceConfig
	groups     map[groupKey]network.GroupConfig
	calls      []string
	fail       func(call string) error
}

// groupKey is a group in a VPC.
type groupKey struct{ vpc, id string }

var (
	_ network.Fabric       = (*Fake)(nil)
	_ network.MemberFabric = (*Fake)(nil)
)

// NewFake makes an empty fabric.
func NewFake() *Fake {
	return &Fake{
		vpcs:       map[string]network.VPCConfig{},
		interfaces: map[string]network.InterfaceConfig{},
		groups:     map[groupKey]network.GroupConfig{},
	}
}

// Fail lets calls fail for which the function, asked with for example "EnsureVPC vpc-1", returns an error. Nil ends it.
func (f *Fake) Fail(fn func(call string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fn
}

// Calls returns what was called since it was asked last, for example "EnsureVPC vpc-1".
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// Interfaces are the ids of those that exist, sorted.
func (f *Fake) Interfaces() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.interfaces))
}

// VPCs are the ids of those that exist, sorted.
func (f *Fake) VPCs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.vpcs))
}

func (f *Fake) call(ctx context.Context, name, id string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	call := name + " " + id
	f.calls = append(f.calls, call)
	if f.fail != nil {
		if err := f.fail(call); err != nil {
			return err
		}
	}
	return do()
}

// EnsureVPC implements network.Fabric.
func (f *Fake) EnsureVPC(ctx context.Context, v network.VPCConfig) error {
	return f.call(ctx, "EnsureVPC", v.ID, func() error {
		f.vpcs[v.ID] = v
		return nil
	})
}

// DeleteVPC implements network.Fabric.
func (f *Fake) DeleteVPC(ctx context.Context, id string) error {
	return f.call(ctx, "DeleteVPC", id, func() error {
		f.deleteVPC(id)
		return nil
	})
}

func (f *Fake) deleteVPC(id string) {
	delete(f.vpcs, id)
	maps.DeleteFunc(f.interfaces, func(_ string, i network.InterfaceConfig) bool { return i.VPC == id })
	maps.DeleteFunc(f.groups, func(k groupKey, _ network.GroupConfig) bool { return k.vpc == id })
}

// EnsureInterface implements network.Fabric.
func (f *Fake) EnsureInterface(ctx context.Context, i network.InterfaceConfig) error {
	return f.call(ctx, "EnsureInterface", i.ID, func() error {
		v, ok := f.vpcs[i.VPC]
		if !ok {
			return fmt.Errorf("interface %s: vpc %s: not ensured", i.ID, i.VPC)
		}
		if !slices.ContainsFunc(v.Subnets, func(s network.SubnetConfig) bool { return s.ID == i.Subnet }) {
			return fmt.Errorf("interface %s: vpc %s: no subnet %s", i.ID, i.VPC, i.Subnet)
		}
		i.Groups = slices.Clone(i.Groups)
		f.interfaces[i.ID] = i
		return nil
	})
}

// DeleteInterface implements network.Fabric.
func (f *Fake) DeleteInterface(ctx context.Context, _, id string) error {
	return f.call(ctx, "DeleteInterface", id, func() error {
		delete(f.interfaces, id)
		return nil
	})
}

// EnsureGroup implements network.Fabric.
func (f *Fake) EnsureGroup(ctx context.Context, g network.GroupConfig) error {
	return f.call(ctx, "EnsureGroup", g.ID, func() error {
		if _, ok := f.vpcs[g.VPC]; !ok {
			return fmt.Errorf("security group %s: vpc %s: not ensured", g.ID, g.VPC)
		}
		g.Members = slices.Clone(g.Members)
		f.groups[groupKey{g.VPC, g.ID}] = g
		return nil
	})
}

// ChangeMembers implements network.MemberFabric.
func (f *Fake) ChangeMembers(ctx context.Context, vpc, id string, joined, left []netip.Addr) error {
	return f.call(ctx, "ChangeMembers", id, func() error {
		g, ok := f.groups[groupKey{vpc, id}]
		if !ok {
			return fmt.Errorf("security group %s: not ensured", id)
		}
		members := slices.DeleteFunc(slices.Clone(g.Members), func(a netip.Addr) bool {
			return slices.Contains(left, a) || slices.Contains(joined, a)
		})
		g.Members = append(members, joined...)
		f.groups[groupKey{vpc, id}] = g
		return nil
	})
}

// DeleteGroup implements network.Fabric.
func (f *Fake) DeleteGroup(ctx context.Context, vpc, id string) error {
	return f.call(ctx, "DeleteGroup", id, func() error {
		delete(f.groups, groupKey{vpc, id})
		return nil
	})
}

// NamespacePath implements network.Fabric. There is nothing at the path.
func (f *Fake) NamespacePath(id string) string { return "/nowhere/" + id }

// Adopt implements network.Fabric.
func (f *Fake) Adopt(ctx context.Context, vpcs, interfaces []string) error {
	return f.call(ctx, "Adopt", "", func() error {
		for _, id := range slices.Collect(maps.Keys(f.vpcs)) {
			if !slices.Contains(vpcs, id) {
				f.deleteVPC(id)
			}
		}
		maps.DeleteFunc(f.interfaces, func(id string, _ network.InterfaceConfig) bool { return !slices.Contains(interfaces, id) })
		return nil
	})
}
