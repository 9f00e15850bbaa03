package fabric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/nftables"
	mdnetlink "github.com/mdlayher/netlink"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

// traffic keeps a stream going and opens new connections until stopped; any failure is an error of the test.
type traffic struct {
	stop    atomic.Bool
	wg      sync.WaitGroup
	started chan struct{}
	rounds  atomic.Int64
}

func (p place) startTraffic(to netip.Addr, port int) *traffic {
	tr := &traffic{started: make(chan struct{})}
	old := p.connect(to, port)
	tr.wg.Go(func() {
		for !tr.stop.Load() {
			if err := old.exchange(patience); err != nil {
				p.tb.Errorf("established connection: %v", err)
				return
			}
			if _, err := p.call("tcp4", netip.AddrPortFrom(to, uint16(port)), patience); err != nil {
				p.tb.Errorf("new connection: %v", err)
				return
			}
			if tr.rounds.Add(1) == 1 {
				close(tr.started)
			}
		}
	})
	<-tr.started
	return tr
}

func (tr *traffic) end(t *testing.T) {
	t.Helper()
	tr.stop.Store(true)
	tr.wg.Wait()
	t.Logf("%d rounds without loss", tr.rounds.Load())
}

// furnish states everything again, as a control plane does at its start.
func furnish(w *world) {
	w.t.Helper()
	w.ensure()
	w.groupConfig(network.GroupConfig{ID: "client", Egress: []network.Rule{fromGroups(tcp(80, 80), "server"), tcp(80, 80, "0.0.0.0/0")}}, "10.0.0.10")
	w.group("server", []network.Rule{fromGroups(tcp(80, 81), "client"), tcp(80, 80, "198.18.0.0/15", "10.0.1.0/24"), udp(5, 6, "1.2.3.0/24", "0.0.0.0/8", "255.0.0.0/8")}, "10.0.1.10", "10.0.0.11")
	w.group("router", nil)
	w.attach("10.0.0.10", "client")
	w.attach("10.0.1.10", "server")
	w.attach("10.0.0.11", "client", "server")
	c := w.config("10.0.0.200", "router")
	c.SourceDestCheck = false
	w.attachConfig(c)
}

func furnished(t *testing.T) *world {
	m := newMachine(t)
	w := newWorld(t, m, m.start(), "vpc-1")
	w.vpc.Public = []network.PublicAddress{{Public: w.public(1), Private: addr("10.0.0.11")}}
	w.subnet("isolated").Routes = append(w.subnet("isolated").Routes,
		network.Route{Destination: prefix("192.168.0.0/16"), Via: network.RouteInterface, Interface: w.config("10.0.0.200").ID},
		network.Route{Destination: prefix("172.16.0.0/12"), Via: network.RouteBlackhole})
	furnish(w)
	return w
}

// A control plane that dies and comes back does not disturb anybody, neither by adopting nor by stating its wishes again.
func TestTakeover(t *testing.T) {
	w := furnished(t)
	w.inside(w.f, w.config("10.0.1.10").ID).serveTCP(80)
	w.inside(w.f, w.config("10.0.0.11").ID).serveTCP(80)
	inner := w.inside(w.f, w.config("10.0.0.10").ID).startTraffic(addr("10.0.1.10"), 80)
	outer := w.host.startTraffic(w.public(1), 80)
	for range 3 {
		w.f = w.start() // the old one is not closed: its process was killed
		check(t, w.f.Adopt(t.Context(), []string{"vpc-1"}, w.ids("10.0.0.10", "10.0.1.10", "10.0.0.11", "10.0.0.200")))
		furnish(w)
	}
	inner.end(t)
	outer.end(t)
}

// An upgrade that lays out the table anew makes connections wait until everything is stated again, but loses none.
func TestTakeoverWithOtherLayout(t *testing.T) {
	w := furnished(t)
	w.inside(w.f, w.config("10.0.1.10").ID).serveTCP(80)
	inner := w.inside(w.f, w.config("10.0.0.10").ID).startTraffic(addr("10.0.1.10"), 80)
	check(t, w.inside(w.f, "vpc-1").do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		c.DelChain(&nftables.Chain{Table: vpcTable, Name: layoutChain})
		return c.Flush()
	}))
	w.f = w.start()
	check(t, w.f.Adopt(t.Context(), []string{"vpc-1"}, w.ids("10.0.0.10", "10.0.1.10", "10.0.0.11", "10.0.0.200")))
	furnish(w)
	inner.end(t)
}

func (w *world) ids(addresses ...string) []string {
	var ids []string
	for _, a := range addresses {
		ids = append(ids, w.config(a).ID)
	}
	return ids
}

// The layout's name must not change between two starts of the same program.
func TestLayoutDigest(t *testing.T) {
	expect(t, "digest", "layout_"+layoutDigest(), layoutChain)
}

// What is read back from the kernel is what was applied: nothing is written when it is stated again.
func TestReadBack(t *testing.T) {
	w := furnished(t)
	before := w.f.vpc("vpc-1")
	w.f = w.start()
	check(t, w.f.Adopt(t.Context(), []string{"vpc-1"}, w.ids("10.0.0.10", "10.0.1.10", "10.0.0.11", "10.0.0.200")))
	after := w.f.vpc("vpc-1")
	anyOrder := cmpopts.SortSlices(func(a, b netip.Addr) bool { return a.Less(b) })
	compare := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got, anyOrder, cmp.AllowUnexported(hop{}, binding{}, addressRange{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Errorf("%s (-applied +read back):\n%s", what, d)
		}
	}
	compare("tables", after.tables, before.tables)
	compare("rules", after.ruled, before.ruled)
	compare("addresses", after.addresses, before.addresses)
	compare("local routes", after.local, before.local)
	compare("uplink", [2]int{after.uplink, after.outer}, [2]int{before.uplink, before.outer})
	compare("public", w.f.host.public.to, before.host.public.to)
	f, g := before.filter, after.filter
	compare("bindings", g.bindings, f.bindings)
	compare("public in", g.publicIn, f.publicIn)
	compare("public out", g.publicOut, f.publicOut)
	compare("services", g.services, f.services)
	compare("local", g.local, f.local)
	compare("profiles", sortedKeys(g.profiles), sortedKeys(f.profiles))
	compare("groups", slices.Sorted(maps.Keys(g.groups)), slices.Sorted(maps.Keys(f.groups)))
	for id := range f.groups {
		compare("members of "+id, slices.Collect(maps.Keys(g.groups[id].members)), slices.Collect(maps.Keys(f.groups[id].members)))
		compare("names of "+id, g.groups[id].named, f.groups[id].named)
		for i := range directions {
			compare("fingerprint of "+id, g.groups[id].sides[i].fingerprint, f.groups[id].sides[i].fingerprint)
			compare("references of "+id, g.groups[id].sides[i].references, f.groups[id].sides[i].references)
		}
	}
	generation := w.generation()
	furnish(w)
	if now := w.generation(); now != generation {
		t.Errorf("stating it again made %d transactions", now-generation)
	}
}

// generation counts the nftables transactions of the VPC.
func (w *world) generation() uint32 {
	var g uint32
	check(w.t, w.inside(w.f, w.vpc.ID).do(func() error {
		c, err := mdnetlink.Dial(unix.NETLINK_NETFILTER, nil)
		if err != nil {
			return err
		}
		defer c.Close()
		answer, err := c.Execute(mdnetlink.Message{
			Header: mdnetlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN, Flags: mdnetlink.Request},
			Data:   make([]byte, 4),
		})
		if err != nil {
			return err
		}
		attrs, err := mdnetlink.UnmarshalAttributes(answer[0].Data[4:])
		if err == nil {
			g = binary.BigEndian.Uint32(attrs[0].Data)
		}
		return err
	}))
	return g
}

// Adopt removes what is not listed, and its traffic ends at once.
func TestAdoptRemovesOthers(t *testing.T) {
	w := furnished(t)
	newWorld(t, w.machine, w.f, "vpc-2").attach("10.0.0.10")
	gone := w.inside(w.f, w.config("10.0.1.10").ID)
	gone.serveTCP(80)
	client := w.inside(w.f, w.config("10.0.0.10").ID)
	stream := client.connect(addr("10.0.1.10"), 80)
	w.f = w.start()
	check(t, w.f.Adopt(t.Context(), []string{"vpc-1"}, w.ids("10.0.0.10", "10.0.0.11")))
	if err := stream.exchange(impatience); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection to removed interface: %v", err)
	}
	want := append(w.ids("10.0.0.10", "10.0.0.11"), "vpc-1")
	got, err := namespacesOf(w.cfg.RunDir, namespacePrefix(w.cfg.Instance))
	check(t, err)
	slices.Sort(want)
	slices.Sort(got)
	expect(t, "namespaces", got, want)
	expect(t, "links on the host", len(w.links()), 1)
	w.ensure()
	w.group("server", allowAll, "10.0.1.10")
	w.attach("10.0.1.10", "server").serveTCP(80) // comes back as a new one
	client.reaches("tcp4", addr("10.0.1.10"), 80)
}

// links are the platform's on the host.
func (m *machine) links() []string {
	var names []string
	check(m.tb, m.host.do(func() error {
		links, err := dump(netlink.LinkList)
		for _, l := range links {
			if strings.HasPrefix(l.Attrs().Name, "ng") {
				names = append(names, l.Attrs().Name)
			}
		}
		return err
	}))
	return names
}

// A platform that died half way through leaves nothing that stands in the way.
func TestRecoveryFromHalfMade(t *testing.T) {
	m := newMachine(t)
	f := m.start()
	check(t, os.WriteFile(f.NamespacePath("vpc-1"), nil, 0o444))                                                       // named, but not mounted
	check(t, m.host.do(func() error { return netlink.LinkAdd(halfUplink(hostLinkName(m.cfg.Instance, "vpc-1", 0))) })) // no alias yet
	w := newWorld(t, m, f, "vpc-1")
	w.group("open", allowAll)
	c := w.config("10.0.0.10", "open")
	check(t, createNamespace(f.NamespacePath(c.ID), func() error { return nil })) // no link yet
	check(t, m.inside(f, "vpc-1").do(func() error { return netlink.LinkAdd(halfUplink(interfaceLinkName(c.ID))) }))
	w.attachConfig(c).serveTCP(80)
	w.host.reaches("tcp4", w.publish("10.0.0.10", 1), 80)
}

func halfUplink(name string) netlink.Link {
	return &netlink.Veth{LinkAttrs: linkAttrs(name), PeerName: "half"}
}

// Namespaces in which something went wrong are repaired by reading back.
func TestRecoveryFromForeignChange(t *testing.T) {
	w := furnished(t)
	w.inside(w.f, w.config("10.0.0.11").ID).serveTCP(80)
	check(t, w.inside(w.f, "vpc-1").do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		c.FlushRuleset()
		return c.Flush()
	}))
	c := network.GroupConfig{ID: "server", VPC: "vpc-1", Ingress: allowAll, Members: []netip.Addr{addr("10.0.1.99")}}
	if err := w.f.EnsureGroup(t.Context(), c); err == nil {
		t.Error("a change of a table that is gone succeeded")
	}
	furnish(w)
	w.host.reaches("tcp4", w.public(1), 80)
}

// Namespaces that somebody deleted by hand are made again when they are stated again.
func TestRecoveryFromForeignDeletion(t *testing.T) {
	w := furnished(t)
	for _, id := range append(w.ids("10.0.0.10", "10.0.1.10", "10.0.0.11", "10.0.0.200"), "vpc-1") {
		check(t, removeNamespace(w.f.NamespacePath(id)))
	}
	furnish(w)
	w.inside(w.f, w.config("10.0.1.10").ID).serveTCP(80)
	w.inside(w.f, w.config("10.0.0.10").ID).reaches("tcp4", addr("10.0.1.10"), 80)
}

// After Sweep nothing is left, even if the platform was killed.
func TestSweep(t *testing.T) {
	w := furnished(t)
	other := w.cfg
	other.Instance = randomInstance()
	second, err := New(other)
	check(t, err)
	defer second.Close()
	defer func() { check(t, Sweep(other)) }()
	if second.PublicPool().Overlaps(w.f.PublicPool()) {
		t.Errorf("two platforms with the pool %s", second.PublicPool())
	}
	check(t, Sweep(w.cfg))
	check(t, Sweep(w.cfg))
	left, err := filepath.Glob(filepath.Join(w.cfg.RunDir, "ng-*"))
	check(t, err)
	expect(t, "namespaces", left, []string{})
	expect(t, "links", w.links(), []string{})
	check(t, w.host.do(func() error {
		routes, err := dump(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
		check(t, err)
		for _, r := range routes {
			if p := prefixOf(r.Dst); p.Overlaps(w.f.PublicPool()) && p.Bits() > 0 {
				t.Errorf("left: %s", r)
			}
		}
		c, err := nftables.New()
		check(t, err)
		tables, err := c.ListTables()
		check(t, err)
		for _, tb := range tables {
			if tb.Name != tableName(other.Instance) {
				t.Errorf("left: table %s", tb.Name)
			}
		}
		addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(loopback, netlink.FAMILY_V4) })
		check(t, err)
		expect(t, "addresses of lo", len(addrs), 2) // 127.0.0.1 and the other platform's
		return nil
	}))
}

func TestDelete(t *testing.T) {
	w := furnished(t)
	ctx := t.Context()
	for range 2 {
		check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.1.10").ID))
		check(t, w.f.DeleteGroup(ctx, "vpc-1", "router"))
		check(t, w.f.DeleteGroup(ctx, "vpc-1", "never was"))
		check(t, w.f.DeleteVPC(ctx, "vpc-1"))
		check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.0.10").ID))
	}
	left, err := filepath.Glob(filepath.Join(w.cfg.RunDir, "ng-*"))
	check(t, err)
	expect(t, "namespaces", left, []string{})
	expect(t, "links", w.links(), []string{})
	if err := w.f.EnsureInterface(ctx, w.config("10.0.0.10")); err == nil {
		t.Error("interface in a deleted VPC")
	}
	furnish(w)
}

// Groups that nobody names any more are gone from the table, those that are named stay, empty.
func TestDeletedGroupsLeaveTheTable(t *testing.T) {
	w := furnished(t)
	ctx := t.Context()
	check(t, w.f.DeleteGroup(ctx, "vpc-1", "client")) // named by server's rules and by interfaces
	check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.0.10").ID))
	check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.0.11").ID))
	check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.1.10").ID))
	check(t, w.f.DeleteInterface(ctx, "vpc-1", w.config("10.0.0.200").ID))
	check(t, w.f.DeleteGroup(ctx, "vpc-1", "server"))
	check(t, w.f.DeleteGroup(ctx, "vpc-1", "router"))
	// A group that refers to itself is the usual default group.
	w.group("default", []network.Rule{fromGroups(network.Rule{Protocol: -1}, "default")}, "10.0.0.10")
	check(t, w.f.DeleteGroup(ctx, "vpc-1", "default"))
	filter := w.f.vpc("vpc-1").filter
	expect(t, "groups", sortedKeys(filter.groups), []string{})
	w.f = w.start()
	check(t, w.f.Adopt(ctx, []string{"vpc-1"}, nil))
	expect(t, "groups in the kernel", sortedKeys(w.f.vpc("vpc-1").filter.groups), []string{})
}

// All at once: the race detector and the kernel both watch.
func TestConcurrentUse(t *testing.T) {
	m := newMachine(t)
	f := m.start()
	var wg sync.WaitGroup
	for v := range 3 {
		wg.Go(func() {
			w := newWorld(t, m, f, fmt.Sprintf("vpc-%d", v))
			w.subnet("private").Routes[1].NatPublic = w.public(v)
			var inner sync.WaitGroup
			for i := range 12 {
				inner.Go(func() {
					a := fmt.Sprintf("10.0.%d.%d", i%3, 10+i)
					c := w.config(a, "sg-a", fmt.Sprintf("sg-%d", i%4))
					for range 2 {
						if err := f.EnsureInterface(t.Context(), c); err != nil {
							t.Error(err)
						}
						if err := f.EnsureGroup(t.Context(), network.GroupConfig{ID: c.Groups[1], VPC: c.VPC, Members: []netip.Addr{c.Address}, Ingress: allowAll, Egress: []network.Rule{fromGroups(tcp(i, i), "sg-a")}}); err != nil {
							t.Error(err)
						}
						if err := f.EnsureVPC(t.Context(), w.vpc); err != nil {
							t.Error(err)
						}
					}
					if i%2 == 0 {
						if err := f.DeleteInterface(t.Context(), c.VPC, c.ID); err != nil {
							t.Error(err)
						}
					}
				})
			}
			inner.Wait()
			if v == 0 {
				if err := f.DeleteVPC(t.Context(), w.vpc.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
