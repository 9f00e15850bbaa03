package network

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/state"
)

// Status is what has become of an interface that belongs in the kernel.
type Status struct {
	InterfaceID string
	VPCID       string
	Realised    bool
	Problem     string // why it is not realised
}

// Waits between tries of what a fabric failed to do.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 15 * time.Second
	atOnce     = 4 // VPCs worked on at a time
)

// Run keeps the fabric as the rows say, until ctx is done. It leaves everything running then: the network
// outlives the control plane.
func (n *Network) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.realiseAll(ctx) })
	g.Go(func() error { return n.runNatGateways(ctx) })
	return g.Wait()
}

// realising is the state of the loop that follows the rows.
type realising struct {
	*Network
	work map[string]*work // by VPC
	home map[string]place // where rows seen belong, for when they are gone
}

// work is what is to be done about a VPC, from a time on.
type work struct {
	dirt
	at    time.Time
	tries int
}

// place is the VPC, and for rules the group, that a row belongs to.
type place struct{ vpc, group string }

func (n *Network) realiseAll(ctx context.Context) error {
	watch := n.store.Watch(n.VPCs, n.Subnets, n.RouteTables, n.InternetGateways, n.NatGateways, n.Interfaces, n.Groups, n.Rules, n.PrefixLists)
	defer watch.Close()
	l := &realising{Network: n, work: map[string]*work{}, home: map[string]place{}}
	if err := l.adopt(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watch.Ready():
			changes, err := watch.Take()
			if err != nil {
				return fmt.Errorf("network: watch: %w", err)
			}
			l.mark(n.store.View(), changes)
		case <-timer.C:
		}
		if err := l.turn(ctx); err != nil {
			return err
		}
		l.arm(timer)
	}
}

// adopt tells the fabric what is to be left running, then looks at all of it.
func (l *realising) adopt(ctx context.Context) error {
	tx := l.store.View()
	var interfaces []string
	for i := range l.Interfaces.All(tx, "") {
		if i.realises() {
			interfaces = append(interfaces, i.ID)
			l.interfaceOf(i.VPCID, i.ID)
		}
		l.home[i.ID] = place{vpc: i.VPCID}
	}
	l.learn(tx)
	// What is listed may be deleted from here on: it is not listed again.
	vpcs := slices.Sorted(maps.Keys(l.work))
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := l.fabric.Adopt(ctx, vpcs, interfaces)
		if err == nil {
			break
		}
		l.log.Error("network not adopted", "error", err, "again_in", wait)
		if err := l.clock.Sleep(ctx, l.clock.Now().Add(wait)); err != nil {
			return err
		}
	}
	for vpc, w := range l.work {
		l.routers.get(vpc).suspect(w.interfaces, w.groups)
	}
	l.log.Info("network adopted", "vpcs", len(vpcs), "interfaces", len(interfaces))
	close(l.adopted)
	return nil
}

// learn notes where rows belong, so that their deletion finds its VPC.
func (l *realising) learn(tx *state.Tx) {
	for s := range l.Subnets.All(tx, "") {
		l.home[s.ID] = place{vpc: s.VPCID}
	}
	for rt := range l.RouteTables.All(tx, "") {
		l.home[rt.ID] = place{vpc: rt.VPCID}
	}
	for g := range l.InternetGateways.All(tx, "") {
		l.home[g.ID] = place{vpc: g.VPCID}
	}
	for g := range l.NatGateways.All(tx, "") {
		l.home[g.ID] = place{vpc: g.VPCID}
	}
	for g := range l.Groups.All(tx, "") {
		l.home[g.ID] = place{vpc: g.VPCID, group: g.ID}
		if w, ok := l.work[g.VPCID]; ok {
			w.groups[g.ID] = true // whether it has members in the kernel is not known
		}
	}
	for r := range l.Rules.All(tx, "") {
		l.home[r.ID] = place{vpc: l.home[r.GroupID].vpc, group: r.GroupID}
	}
}

// mark turns changes into work.
func (l *realising) mark(tx *state.Tx, changes []state.Change) {
	for _, c := range changes {
		switch c.Table {
		case l.VPCs.Name():
			l.touch(c.Key)
		case l.Subnets.Name():
			s, ok := l.Subnets.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: s.VPCID} })
		case l.RouteTables.Name():
			rt, ok := l.RouteTables.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: rt.VPCID} })
		case l.InternetGateways.Name():
			g, ok := l.InternetGateways.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: g.VPCID} })
		case l.NatGateways.Name():
			g, ok := l.NatGateways.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: g.VPCID} })
		case l.Groups.Name():
			g, ok := l.Groups.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: g.VPCID, group: g.ID} })
		case l.Rules.Name():
			r, ok := l.Rules.Get(tx, c.Key)
			l.moved(c.Key, ok, func() place { return place{vpc: l.vpcOfGroup(tx, r.GroupID), group: r.GroupID} })
		case l.Interfaces.Name():
			l.markInterface(tx, c.Key)
		case l.PrefixLists.Name():
			l.markPrefixList(tx, c.Key)
		}
	}
}

// moved marks the VPC that a row belonged to and the one that it belongs to now.
func (l *realising) moved(id string, exists bool, now func() place) {
	l.touchPlace(l.home[id])
	if !exists {
		delete(l.home, id)
		return
	}
	p := now()
	l.home[id] = p
	l.touchPlace(p)
}

func (l *realising) touchPlace(p place) {
	if p.vpc == "" {
		return
	}
	if w := l.touch(p.vpc); p.group != "" {
		w.groups[p.group] = true
	}
}

func (l *realising) vpcOfGroup(tx *state.Tx, id string) string {
	if g, ok := l.Groups.Get(tx, id); ok {
		return g.VPCID
	}
	return l.home[id].vpc
}

// touch makes work of a VPC, due now; what waits for another try waits on.
func (l *realising) touch(vpcID string) *work {
	w, ok := l.work[vpcID]
	if !ok {
		w = &work{dirt: *newDirt()}
		l.work[vpcID] = w
	}
	if w.tries == 0 {
		w.at = time.Time{}
	}
	return w
}

func (l *realising) interfaceOf(vpcID, id string) { l.touch(vpcID).interfaces[id] = true }

// markInterface marks an interface in its VPC. One that came and went between two looks may have been told of by Realise, or
// counted with its group, in any VPC.
func (l *realising) markInterface(tx *state.Tx, id string) {
	if i, ok := l.Interfaces.Get(tx, id); ok {
		l.home[id] = place{vpc: i.VPCID}
		l.interfaceOf(i.VPCID, id)
		return
	}
	if p, seen := l.home[id]; seen {
		delete(l.home, id)
		l.interfaceOf(p.vpc, id)
		return
	}
	for _, vpc := range l.routers.ids() {
		l.interfaceOf(vpc, id)
	}
}

// markPrefixList marks the groups and VPCs that refer to a list. None that is deleted is referred to.
func (l *realising) markPrefixList(tx *state.Tx, key string) {
	id := key[strings.LastIndexByte(key, '/')+1:]
	for r := range l.Rules.By(tx, "peer", id) {
		l.touchPlace(place{l.vpcOfGroup(tx, r.GroupID), r.GroupID})
	}
	for rt := range l.RouteTables.By(tx, "target", id) {
		l.touch(rt.VPCID)
	}
}

// turn does all work that is due, and writes what has become of the interfaces.
func (l *realising) turn(ctx context.Context) error {
	now := l.clock.Now()
	var g errgroup.Group
	g.SetLimit(atOnce)
	type outcome struct {
		again time.Time
		err   error
	}
	due := map[string]*outcome{}
	for vpc, w := range l.work {
		if !w.at.After(now) {
			due[vpc] = &outcome{}
		}
	}
	for vpc, o := range due {
		g.Go(func() error {
			o.again, o.err = l.sync(ctx, l.routers.get(vpc), &l.work[vpc].dirt)
			return nil
		})
	}
	_ = g.Wait() // outcomes carry the errors
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := l.report(ctx, slices.Collect(maps.Keys(due))); err != nil {
		return err
	}
	for vpc, o := range due {
		w := l.work[vpc]
		switch {
		case o.err != nil:
			wait := min(firstRetry<<min(w.tries, 16), lastRetry)
			w.tries++
			w.at = now.Add(wait)
			l.log.Error("vpc not as wanted", "vpc", vpc, "error", o.err, "tries", w.tries, "again_in", wait)
		case o.again.IsZero():
			delete(l.work, vpc)
		default:
			l.work[vpc] = &work{dirt: *newDirt(), at: o.again}
		}
	}
	return nil
}

// arm sets the timer to the earliest work.
func (l *realising) arm(timer *time.Timer) {
	timer.Stop()
	var first time.Time
	for _, w := range l.work {
		if first.IsZero() || w.at.Before(first) {
			first = w.at
		}
	}
	if !first.IsZero() {
		timer.Reset(max(0, first.Sub(l.clock.Now())))
	}
}

// report writes the status of the interfaces that were worked on, as far as it changed.
func (l *realising) report(ctx context.Context, vpcs []string) error {
	var news []*Status
	var gone []string
	tx := l.store.View()
	for _, vpc := range vpcs {
		r := l.routers.get(vpc)
		r.mu.Lock()
		for id := range l.work[vpc].interfaces {
			was, reported := l.Status.Get(tx, id)
			told, known := r.interfaces[id]
			if i, ok := l.Interfaces.Get(tx, id); !known && (!ok || !i.realises()) {
				if reported {
					gone = append(gone, id)
				}
				continue
			}
			s := &Status{InterfaceID: id, VPCID: vpc, Realised: known && !told.unsure}
			if !reported || *was != *s {
				news = append(news, s)
			}
		}
		r.mu.Unlock()
	}
	if len(news)+len(gone) == 0 {
		return nil
	}
	err := l.store.Update(ctx, func(tx *state.Tx) error {
		for _, s := range news {
			l.Status.Put(tx, s)
		}
		for _, id := range gone {
			l.Status.Delete(tx, id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("network: report: %w", err)
	}
	return nil
}
