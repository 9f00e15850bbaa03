package fabric

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"sync"

	"github.com/neargate/neargate/internal/network"
)

// Config says whose fabric it is and where.
type Config struct {
	Instance string // eight hexadecimal digits, see Instance; unique on the machine

	// PublicPool is where the platform's public addresses are. Zero: a free block of 198.18.0.0/15 is chosen, or the one that the
	// platform already uses on this machine. A control plane should store what PublicPool answers and state it at the next start,
	// because after a reboot another platform may be faster.
	PublicPool netip.Prefix

	RunDir string // directory of named namespaces; empty: /run/netns, where `ip netns` looks
	Host   string // path of the namespace that plays the machine, for tests; empty: the process's own
	Log    *slog.Logger
}

func (c Config) normal() (Config, error) {
	if !validInstance(c.Instance) {
		return c, fmt.Errorf("instance %q: must be eight hexadecimal digits", c.Instance)
	}
	if p := c.PublicPool; p.IsValid() && (!p.Addr().Is4() || p.Bits() > 29 || p != p.Masked()) {
		return c, fmt.Errorf("public pool %s: must be an IPv4 network of 8 or more addresses", p)
	}
	c.RunDir = cmp.Or(c.RunDir, "/run/netns")
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c, nil
}

// Fabric implements network.Fabric on the machine it runs on. It needs root.
type Fabric struct {
	cfg  Config
	host *host

	mu    sync.Mutex
	vpcs  map[string]*vpc
	names keyed // interfaces under way
}

var (
	_ network.Fabric       = (*Fabric)(nil)
	_ network.MemberFabric = (*Fabric)(nil)
)

// New claims the public pool and lets the machine forward IPv4. While a VPC has an uplink, what leaves the machine from public addresses is
// masqueraded, and closed firewalls let it pass.
// What an earlier Fabric of the instance built goes on working.
func New(cfg Config) (*Fabric, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, fmt.Errorf("fabric: %w", err)
	}
	if err := prepareNamespaceDir(cfg.RunDir); err != nil {
		return nil, fmt.Errorf("fabric: %w", err)
	}
	h, err := openHost(cfg)
	if err != nil {
		return nil, fmt.Errorf("fabric: %w", err)
	}
	if err := h.prepare(cfg.PublicPool); err != nil {
		h.close()
		return nil, fmt.Errorf("fabric: %w", err)
	}
	return &Fabric{cfg: cfg, host: h, vpcs: map[string]*vpc{}}, nil
}

// PublicPool is the block of addresses that the machine leads to this platform. The first is the network's, the second the
// host's own; the others may be given to interfaces and NAT gateways.
func (f *Fabric) PublicPool() netip.Prefix { return f.host.pool }

// HostAddress is the source address under which the host calls public addresses, unless the caller binds another one.
func (f *Fabric) HostAddress() netip.Addr { return f.host.address() }

// NamespacePath implements network.Fabric. It answers for VPCs too: the path of the router's namespace, where the resolver listens.
func (f *Fabric) NamespacePath(id string) string {
	return filepath.Join(f.cfg.RunDir, namespacePrefix(f.cfg.Instance)+id)
}

// Close lets go of the machine. Everything keeps running.
func (f *Fabric) Close() {
	f.mu.Lock()
	vpcs := slices.Collect(maps.Values(f.vpcs))
	f.mu.Unlock()
	for _, v := range vpcs {
		v.mu.Lock()
		v.close()
		v.mu.Unlock()
	}
	f.host.close()
}

func (f *Fabric) vpc(id string) *vpc {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.vpcs[id]
	if !ok {
		v = newVPC(id, f.NamespacePath(id), f.host)
		f.vpcs[id] = v
	}
	return v
}

// EnsureVPC implements network.Fabric.
func (f *Fabric) EnsureVPC(ctx context.Context, c network.VPCConfig) error {
	if err := cmp.Or(ctx.Err(), checkVPC(&c)); err != nil {
		return err
	}
	v, exists := f.existing(c.ID)
	if !exists {
		v = f.vpc(c.ID)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !exists {
		v.close() // somebody took the name away: what is open leads to a namespace that nobody finds any more
	}
	if err := v.change(func() error { return v.ensure(&c) }); err != nil {
		return fmt.Errorf("vpc %s: %w", c.ID, err)
	}
	return nil
}

// DeleteVPC implements network.Fabric.
func (f *Fabric) DeleteVPC(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v, exists := f.existing(id)
	if exists {
		v.mu.Lock()
		defer v.mu.Unlock()
		if err := f.removeInterfaces(v); err != nil {
			return fmt.Errorf("vpc %s: %w", id, err)
		}
		v.close()
		f.forget(v)
	}
	if err := errors.Join(f.host.removeUplink(id), removeNamespace(f.NamespacePath(id))); err != nil {
		return fmt.Errorf("vpc %s: %w", id, err)
	}
	return nil
}

func (f *Fabric) forget(v *vpc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v.gone = true
	delete(f.vpcs, v.id)
}

// removeInterfaces removes the namespaces of interfaces that are still attached to the VPC.
func (f *Fabric) removeInterfaces(v *vpc) error {
	return v.change(func() error {
		links, err := v.interfaceLinks()
		if err != nil || len(links) == 0 {
			return err
		}
		ids, err := namespacesOf(f.cfg.RunDir, namespacePrefix(f.cfg.Instance))
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, attached := links[interfaceLinkName(id)]; attached {
				err = errors.Join(err, removeNamespace(f.NamespacePath(id)))
			}
		}
		return err
	})
}

// EnsureInterface implements network.Fabric.
func (f *Fabric) EnsureInterface(ctx context.Context, c network.InterfaceConfig) error {
	if err := cmp.Or(ctx.Err(), checkInterface(&c)); err != nil {
		return err
	}
	defer f.names.lock(c.ID)()
	if err := f.ensureInterface(c); err != nil {
		return fmt.Errorf("interface %s: %w", c.ID, err)
	}
	return nil
}

func (f *Fabric) ensureInterface(c network.InterfaceConfig) error {
	c.Groups = slices.Clone(c.Groups)
	v, exists := f.existing(c.VPC)
	if !exists {
		return fmt.Errorf("vpc %s: not ensured", c.VPC)
	}
	done, err := f.renewInterface(v, c)
	if done || err != nil {
		return err
	}
	// The longest part needs nothing of the VPC, so it does not hold others up.
	path := f.NamespacePath(c.ID)
	if err := removeNamespace(path); err != nil {
		return err
	}
	in, err := createInside(path)
	if err != nil {
		return err
	}
	defer in.close()
	v.mu.Lock()
	defer v.mu.Unlock()
	err = v.change(func() error {
		subnet, err := v.subnet(c.Subnet)
		if err != nil {
			return err
		}
		link, err := v.attach(c, subnet.Gateway, in)
		if err != nil {
			return err
		}
		return v.bind(c, subnet, link)
	})
	if err != nil {
		return errors.Join(err, removeNamespace(path))
	}
	return nil
}

// renewInterface brings an ENI that exists up to date, and says whether there is one.
func (f *Fabric) renewInterface(v *vpc, c network.InterfaceConfig) (done bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	err = v.change(func() error {
		subnet, err := v.subnet(c.Subnet)
		if err != nil {
			return err
		}
		if a, ok := v.interfaces[c.ID]; ok && reflect.DeepEqual(a.config, c) {
			done = true
			return nil
		}
		link, ok := v.adopted(c, f.NamespacePath(c.ID))
		if !ok {
			return v.detach(c.ID)
		}
		done = true
		return v.bind(c, subnet, link)
	})
	return done, err
}

// DeleteInterface implements network.Fabric.
func (f *Fabric) DeleteInterface(ctx context.Context, vpcID, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer f.names.lock(id)()
	err := errors.Join(f.detachInterface(vpcID, id), removeNamespace(f.NamespacePath(id)))
	if err != nil {
		return fmt.Errorf("interface %s: %w", id, err)
	}
	return nil
}

func (f *Fabric) detachInterface(vpcID, id string) error {
	v, exists := f.existing(vpcID)
	if !exists {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.change(func() error { return v.detach(id) })
}

// existing finds a VPC that has a namespace, so that deleting something of it does not make one.
func (f *Fabric) existing(id string) (*vpc, bool) {
	ns, err := openNamespace(f.NamespacePath(id))
	if err != nil {
		return nil, false
	}
	ns.Close()
	return f.vpc(id), true
}

// EnsureGroup implements network.Fabric.
func (f *Fabric) EnsureGroup(ctx context.Context, c network.GroupConfig) error {
	if err := cmp.Or(ctx.Err(), checkGroup(&c)); err != nil {
		return err
	}
	v, exists := f.existing(c.VPC)
	if !exists {
		return fmt.Errorf("security group %s: vpc %s: not ensured", c.ID, c.VPC)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.change(func() error {
		v.filter.ensureGroup(c)
		return nil
	})
	if err != nil {
		return fmt.Errorf("security group %s: %w", c.ID, err)
	}
	return nil
}

// ChangeMembers implements network.MemberFabric. A group that is not known must be told whole.
func (f *Fabric) ChangeMembers(ctx context.Context, vpcID, id string, joined, left []netip.Addr) error {
	if err := cmp.Or(ctx.Err(), checkGroup(&network.GroupConfig{ID: id, VPC: vpcID, Members: joined})); err != nil {
		return err
	}
	v, exists := f.existing(vpcID)
	if !exists {
		return fmt.Errorf("security group %s: vpc %s: not ensured", id, vpcID)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.change(func() error {
		g, known := v.filter.groups[id]
		if !known || !g.ensured {
			return refusal{errors.New("not ensured")}
		}
		v.filter.changeMembers(g, joined, left)
		return nil
	})
	if err != nil {
		return fmt.Errorf("security group %s: %w", id, err)
	}
	return nil
}

// DeleteGroup implements network.Fabric.
func (f *Fabric) DeleteGroup(ctx context.Context, vpcID, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v, exists := f.existing(vpcID)
	if !exists {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.change(func() error {
		v.filter.deleteGroup(id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("security group %s: %w", id, err)
	}
	return nil
}
