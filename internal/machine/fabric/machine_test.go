package fabric

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// machine is a namespace that plays the machine a platform runs on, and another one that plays the internet behind it.
// Nothing of the real machine is touched.
type machine struct {
	tb       testing.TB
	cfg      Config
	host     place
	internet place
}

// place is a namespace in which sockets are opened.
type place struct {
	tb   testing.TB
	path string
}

var (
	machineWAN   = netip.MustParsePrefix("203.0.113.1/24")
	internetPeer = netip.MustParsePrefix("203.0.113.9/24")
)

func requireRoot(tb testing.TB) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root: makes network namespaces")
	}
}

func newMachine(tb testing.TB) *machine {
	tb.Helper()
	requireRoot(tb)
	dir := tb.TempDir()
	run := filepath.Join(dir, "netns")
	check(tb, prepareNamespaceDir(run))
	m := &machine{tb: tb, cfg: Config{Instance: randomInstance(), RunDir: run, Host: filepath.Join(run, "machine")}}
	m.host = m.makePlace("machine")
	m.internet = m.makePlace("internet")
	tb.Cleanup(func() {
		check(tb, Sweep(m.cfg))
		check(tb, removeNamespace(m.host.path))
		check(tb, removeNamespace(m.internet.path))
		check(tb, unix.Unmount(run, unix.MNT_DETACH))
	})
	m.connectInternet()
	return m
}

func randomInstance() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func (m *machine) makePlace(name string) place {
	m.tb.Helper()
	p := place{m.tb, filepath.Join(m.cfg.RunDir, name)}
	check(m.tb, createNamespace(p.path, func() error {
		return netlink.LinkSetUp(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: 1}})
	}))
	return p
}

func (m *machine) connectInternet() {
	m.tb.Helper()
	check(m.tb, m.internet.do(func() error {
		ns, err := netns.GetFromPath(m.host.path)
		if err != nil {
			return err
		}
		defer ns.Close()
		veth := &netlink.Veth{LinkAttrs: linkAttrs("eth0"), PeerName: "wan", PeerNamespace: netlink.NsFd(ns)}
		if err := netlink.LinkAdd(veth); err != nil {
			return err
		}
		return errors.Join(
			netlink.AddrAdd(veth, &netlink.Addr{IPNet: ipNet(internetPeer)}),
			netlink.LinkSetUp(veth),
		)
	}))
	check(m.tb, m.host.do(func() error {
		wan, err := netlink.LinkByName("wan")
		if err != nil {
			return err
		}
		return errors.Join(netlink.AddrAdd(wan, &netlink.Addr{IPNet: ipNet(machineWAN)}), netlink.LinkSetUp(wan))
	}))
}

// start begins a platform's work on the machine, or takes over from one that was not closed.
func (m *machine) start() *Fabric {
	m.tb.Helper()
	f, err := New(m.cfg)
	check(m.tb, err)
	m.tb.Cleanup(f.Close)
	return f
}

func (m *machine) inside(f *Fabric, id string) place { return place{m.tb, f.NamespacePath(id)} }

func (p place) do(fn func() error) error {
	ns, err := netns.GetFromPath(p.path)
	if err != nil {
		return err
	}
	defer ns.Close()
	return inNamespace(ns, fn)
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
