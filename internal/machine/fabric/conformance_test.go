package fabric

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/neargate/neargate/internal/network/fabrictest"
)

// realSubject sends real datagrams. Outside is the machine itself, at the address it has in the internet, so that
// sources are seen before masquerading.
type realSubject struct {
	*Fabric
	m *machine

	mu     sync.Mutex
	served map[string]bool // namespace, protocol and port
}

func newRealSubject(t *testing.T) fabrictest.Subject {
	m := newMachine(t)
	return &realSubject{Fabric: m.start(), m: m, served: map[string]bool{}}
}

func (s *realSubject) Restart() { s.Fabric = s.m.start() }

func (s *realSubject) Public(n int) netip.Addr { return plus(s.PublicPool().Addr(), 10+n) }

func (s *realSubject) Outside() netip.Addr { return lan }

func (s *realSubject) Send(d fabrictest.Datagram, expected bool) (netip.Addr, bool) {
	s.serve(d.Protocol, int(d.To.Port()))
	wait := impatience
	if expected {
		wait = patience
	}
	from, dialer := s.m.host, net.Dialer{Timeout: wait}
	name := map[int]string{6: "tcp4", 17: "udp4"}[d.Protocol]
	if d.From != "" {
		from = s.m.inside(s.Fabric, d.From)
		if d.Source.IsValid() {
			dialer = as(name, netip.AddrPortFrom(d.Source, 0), wait)
		}
	} else if name == "tcp4" {
		dialer.LocalAddr = &net.TCPAddr{IP: d.Source.AsSlice()}
	} else {
		dialer.LocalAddr = &net.UDPAddr{IP: d.Source.AsSlice()}
	}
	seen, err := from.callBy(dialer, name, d.To)
	return seen, err == nil
}

// serve lets every interface, and the machine, answer at the port.
func (s *realSubject) serve(protocol, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serveIn(s.m.host, lan, protocol, port)
	paths, err := filepath.Glob(s.NamespacePath("eni-*"))
	check(s.m.tb, err)
	for _, p := range paths {
		s.serveIn(place{s.m.tb, p}, netip.IPv4Unspecified(), protocol, port)
	}
}

func (s *realSubject) serveIn(p place, at netip.Addr, protocol, port int) {
	info, err := os.Stat(p.path)
	check(s.m.tb, err)
	key := fmt.Sprintf("%d %d %d", info.Sys().(*syscall.Stat_t).Ino, protocol, port)
	if s.served[key] {
		return
	}
	s.served[key] = true
	if protocol == 6 {
		p.serveTCP(port)
	} else {
		p.serveUDPAt(at, port)
	}
}

func TestConformance(t *testing.T) {
	fabrictest.Run(t, newRealSubject)
}

// Random groups, rules, members and interfaces against the oracle: always the same two series, and another one with NEARGATE_SEED, which
// is random itself when it is 0.
func TestRandomAgainstOracle(t *testing.T) {
	seeds := []uint64{1, 2}
	if text := os.Getenv("NEARGATE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		check(t, err)
		if seed == 0 {
			seed = rand.Uint64()
		}
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		fabrictest.Random(t, newRealSubject(t), seed, 150)
	}
}

// The names are what an administrator sees, and other tools find.
func TestDefaultRunDir(t *testing.T) {
	m := newMachine(t)
	m.cfg.RunDir = ""
	f := m.start()
	defer func() { check(t, Sweep(m.cfg)) }()
	w := newWorld(t, m, f, "vpc-1")
	w.attach("10.0.0.10")
	for _, id := range []string{"vpc-1", w.config("10.0.0.10").ID} {
		path := f.NamespacePath(id)
		if want := "/run/netns/ng-" + m.cfg.Instance + "-" + id; path != want {
			t.Errorf("path %s, want %s", path, want)
		}
		ns, err := openNamespace(path)
		check(t, err)
		ns.Close()
	}
	check(t, Sweep(m.cfg))
	entries, err := os.ReadDir("/run/netns")
	check(t, err)
	for _, e := range entries {
		if strings.Contains(e.Name(), m.cfg.Instance) {
			t.Errorf("left: %s", e.Name())
		}
	}
}
