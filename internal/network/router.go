package network

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// linger is how long the kernel keeps a VPC whose last interface is gone, so that a service that restarts its only task does
// not rebuild the VPC, and whoever listens in its namespace has time to notice the end.
const linger = 30 * time.Second

// router is what the fabric was told about one VPC. Rows are compared with it before anything is told again, so that a change costs
// what changed.
type router struct {
	id string

	mu         sync.Mutex // one at a time tells the fabric about a VPC, from a snapshot taken under the lock: older news never overtake newer
	vpc        *told[VPCConfig]
	groups     map[string]told[GroupConfig] // without members
	members    membership
	interfaces map[string]told[InterfaceConfig]
	stale      map[string]bool // groups the fabric still has to be told about
	idle       time.Time       // when the last interface went; zero while there is one
}

// told is what the fabric was told last about something. It is unsure where that failed: something may have been made.
type told[C any] struct {
	config C
	unsure bool
}

// dirt is what may differ between the rows of a VPC and the kernel. The VPC itself is compared in any case.
type dirt struct {
	groups     map[string]bool
	interfaces map[string]bool
}

func newDirt() *dirt { return &dirt{groups: map[string]bool{}, interfaces: map[string]bool{}} }

// suspect notes what an earlier process may have told the fabric.
func (r *router) suspect(interfaces, groups map[string]bool) {
	r.vpc = &told[VPCConfig]{unsure: true}
	for id := range interfaces {
		r.interfaces[id] = told[InterfaceConfig]{unsure: true}
	}
	for id := range groups {
		r.groups[id] = told[GroupConfig]{unsure: true}
	}
}

// routers are the VPCs that are in the kernel, or were.
type routers struct {
	mu   sync.Mutex
	byID map[string]*router
}

func (rs *routers) get(vpcID string) *router {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.byID == nil {
		rs.byID = map[string]*router{}
	}
	r, ok := rs.byID[vpcID]
	if !ok {
		r = &router{
			id: vpcID, groups: map[string]told[GroupConfig]{}, members: newMembership(),
			interfaces: map[string]told[InterfaceConfig]{}, stale: map[string]bool{},
		}
		rs.byID[vpcID] = r
	}
	return r
}

// ids are the VPCs there are routers for.
func (rs *routers) ids() []string {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Collect(maps.Keys(rs.byID))
}

// drop forgets a VPC that does not exist any more.
func (rs *routers) drop(vpcID string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.byID, vpcID)
}

// Realise makes an interface real at once and returns the path of its network namespace. It is the way of a task
// that waits for its network; without it the loop does the same a little later.
//
// Errors: InvalidNetworkInterfaceID.NotFound, or what the fabric says; calling again is right then.
func (n *Network) Realise(ctx context.Context, id string) (nsPath string, err error) {
	select {
	case <-n.adopted:
	case <-ctx.Done():
		return "", fmt.Errorf("interface %s: realise: %w", id, ctx.Err())
	}
	i, ok := n.Interfaces.Get(n.store.View(), id)
	if !ok {
		return "", ErrInterfaceNotFound.New("The networkInterface ID '%s' does not exist", id)
	}
	if !i.realises() {
		return "", fmt.Errorf("interface %s: realise: nothing is attached to it", id)
	}
	d := newDirt()
	d.interfaces[id] = true
	if _, err := n.sync(ctx, n.routers.get(i.VPCID), d); err != nil {
		return "", fmt.Errorf("interface %s: realise: %w", id, err)
	}
	return n.fabric.NamespacePath(id), nil
}

// sync tells the fabric what is wanted of a VPC now, of its groups and interfaces only those that may have changed.
// What worked is remembered also when something else did not. The time, if any, is when to call again without a change.
func (n *Network) sync(ctx context.Context, r *router, d *dirt) (again time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tx := n.store.View()
	v, exists := n.VPCs.Get(tx, r.id)
	if !exists || !n.inUse(tx, r.id) {
		return n.retire(ctx, tx, r, exists)
	}
	r.idle = time.Time{}
	if err := n.syncVPC(ctx, tx, r, v); err != nil {
		return time.Time{}, err
	}
	var errs []error
	p := n.compare(tx, r, d)
	for _, id := range p.remove {
		errs = append(errs, n.removeInterface(ctx, r, id))
	}
	for _, id := range p.groups {
		r.stale[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(r.stale)) {
		errs = append(errs, n.syncGroup(ctx, tx, r, id))
	}
	for _, c := range p.add {
		errs = append(errs, n.addInterface(ctx, r, c))
	}
	errs = append(errs, n.syncVPC(ctx, tx, r, v)) // again, for routes to interfaces that are there only now
	return time.Time{}, errors.Join(errs...)
}

// inUse says whether anything in the VPC belongs in the kernel.
func (n *Network) inUse(tx *state.Tx, vpcID string) bool {
	for range n.Interfaces.By(tx, "realised", vpcID) {
		return true
	}
	return false
}

// difference is what dirt turned out to mean.
type difference struct {
	remove []string
	groups []string // those dirty themselves and those whose members change
	add    []InterfaceConfig
}

// compare reads the dirty rows, and counts the members of groups anew on the way.
func (n *Network) compare(tx *state.Tx, r *router, d *dirt) difference {
	var p difference
	groups := maps.Clone(d.groups)
	for _, id := range slices.Sorted(maps.Keys(d.interfaces)) {
		was, known := r.interfaces[id]
		for _, g := range r.members.counted[id].groups {
			groups[g] = true
		}
		i, ok := n.Interfaces.Get(tx, id)
		if !ok || !i.realises() {
			r.members.put(id, netip.Addr{}, nil)
			if known {
				p.remove = append(p.remove, id)
			}
			continue
		}
		r.members.put(id, i.PrivateIP, i.Groups)
		if c := interfaceConfig(i); !known || was.unsure || !reflect.DeepEqual(was.config, c) {
			p.add = append(p.add, c)
		}
		for _, g := range i.Groups {
			groups[g] = true
		}
	}
	p.groups = slices.Sorted(maps.Keys(groups))
	return p
}

func (n *Network) syncVPC(ctx context.Context, tx *state.Tx, r *router, v *VPC) error {
	c := n.vpcConfig(tx, v)
	if r.vpc != nil && !r.vpc.unsure && reflect.DeepEqual(r.vpc.config, c) {
		return nil
	}
	err := n.fabric.EnsureVPC(ctx, c)
	r.vpc = &told[VPCConfig]{c, err != nil}
	return err
}

func (n *Network) addInterface(ctx context.Context, r *router, c InterfaceConfig) error {
	was, known := r.interfaces[c.ID]
	err := n.fabric.EnsureInterface(ctx, c)
	r.interfaces[c.ID] = told[InterfaceConfig]{c, err != nil}
	if err == nil && (!known || was.unsure) && r.vpc.config.routesTo(c.ID) {
		r.vpc.unsure = true // told of the route while it could lead nowhere
	}
	return err
}

func (v VPCConfig) routesTo(interfaceID string) bool {
	for _, s := range v.Subnets {
		for _, r := range s.Routes {
			if r.Interface == interfaceID {
				return true
			}
		}
	}
	return false
}

func (n *Network) removeInterface(ctx context.Context, r *router, id string) error {
	if err := n.fabric.DeleteInterface(ctx, r.id, id); err != nil {
		return err
	}
	delete(r.interfaces, id)
	return nil
}

// syncGroup tells the fabric about a group that has members, or had some: others guard nothing and are referred to in vain.
func (n *Network) syncGroup(ctx context.Context, tx *state.Tx, r *router, id string) error {
	was, known := r.groups[id]
	g, exists := n.Groups.Get(tx, id)
	if !exists {
		if known {
			if err := n.fabric.DeleteGroup(ctx, r.id, id); err != nil {
				return err
			}
		}
		r.dropGroup(id)
		return nil
	}
	if !known || was.unsure {
		if r.members.load(n.Tables, tx, id); !known && len(r.members.members[id]) == 0 {
			r.dropGroup(id)
			return nil
		}
		return n.tellGroup(ctx, r, n.groupRules(tx, g))
	}
	rules, news := n.groupRules(tx, g), r.members.news[id]
	members, able := n.fabric.(MemberFabric)
	switch {
	case !reflect.DeepEqual(was.config, rules), news != nil && !able:
		return n.tellGroup(ctx, r, rules)
	case news != nil:
		err := members.ChangeMembers(ctx, r.id, id, slices.Collect(maps.Keys(news.joined)), slices.Collect(maps.Keys(news.left)))
		r.toldGroup(rules, err)
		return err
	}
	delete(r.stale, id)
	return nil
}

// tellGroup tells the fabric about a group as a whole.
func (n *Network) tellGroup(ctx context.Context, r *router, rules GroupConfig) error {
	whole := rules
	whole.Members = r.members.of(rules.ID)
	err := n.fabric.EnsureGroup(ctx, whole)
	r.toldGroup(rules, err)
	return err
}

// toldGroup notes what became of telling.
func (r *router) toldGroup(rules GroupConfig, err error) {
	r.groups[rules.ID] = told[GroupConfig]{rules, err != nil}
	if err == nil {
		delete(r.stale, rules.ID)
		delete(r.members.news, rules.ID)
	}
}

// dropGroup forgets a group that is not in the kernel.
func (r *router) dropGroup(id string) {
	delete(r.groups, id)
	delete(r.stale, id)
	r.members.forget(id)
}

// retire empties a VPC in which nothing is left and, after a while, takes it out of the kernel; at once if it does not exist any more.
func (n *Network) retire(ctx context.Context, tx *state.Tx, r *router, exists bool) (again time.Time, err error) {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(r.interfaces)) {
		errs = append(errs, n.removeInterface(ctx, r, id))
	}
	if err := errors.Join(errs...); err != nil {
		return time.Time{}, err
	}
	if r.vpc == nil {
		if !exists {
			n.routers.drop(r.id)
		}
		return time.Time{}, nil
	}
	if exists {
		now := n.clock.Now()
		if r.idle.IsZero() {
			r.idle = now
			for id, was := range r.groups { // nobody may inherit a membership with an address
				r.stale[id] = true
				r.groups[id] = told[GroupConfig]{was.config, true}
			}
		}
		for _, id := range slices.Sorted(maps.Keys(r.stale)) {
			errs = append(errs, n.syncGroup(ctx, tx, r, id))
		}
		if until := r.idle.Add(linger); now.Before(until) {
			return until, errors.Join(errs...)
		}
	}
	if err := n.fabric.DeleteVPC(ctx, r.id); err != nil {
		return time.Time{}, err
	}
	n.log.Info("vpc taken out of the kernel", "vpc", r.id)
	r.vpc, r.idle = nil, time.Time{}
	clear(r.groups)
	clear(r.stale)
	r.members = newMembership()
	if !exists {
		n.routers.drop(r.id)
	}
	return time.Time{}, nil
}
