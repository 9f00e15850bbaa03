package dns

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/netns/netnstest"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// start runs a server whose host has the given resolvers.
func start(t *testing.T, resolvers string) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte(resolvers), 0o600); err != nil {
		t.Fatal(err)
	}
	o := netns.NewOpener()
	s := New(Config{Opener: o, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Changed: func() {}, Resolvers: file})
	done := make(chan error)
	ctx := t.Context()
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		<-done
		o.Close()
	})
	return s
}

// freePort finds a port that is free for both protocols.
func freePort(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		c, err := net.ListenPacket("udp4", l.Addr().String())
		l.Close()
		if err == nil {
			c.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func testZone(port int) edgeapi.Zone {
	addresses := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	return edgeapi.Zone{
		VPC: "vpc-1", Listen: []netip.Addr{loopback}, Port: port, Own: []string{"us-east-1.elb.localhost"},
		Records: []edgeapi.Record{
			{Name: "Web-1.us-east-1.elb.localhost", Addresses: addresses},
			{Name: "*.apps.us-east-1.elb.localhost", Addresses: addresses[:1], TTL: 5},
			{Name: "elsewhere.example", Addresses: addresses[1:]},
		},
	}
}

func ask(t *testing.T, network string, port int, name string, kind uint16) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	m, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, kind), fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return m
}

func addresses(m *dns.Msg) (out []string) {
	for _, r := range m.Answer {
		if a, ok := r.(*dns.A); ok {
			out = append(out, a.A.String())
		}
	}
	return out
}

func TestOwnNames(t *testing.T) {
	port := freePort(t)
	s := start(t, "")
	s.Apply([]edgeapi.Zone{testZone(port)})
	for _, c := range []struct {
		name  string
		kind  uint16
		rcode int
		count int
		ttl   uint32
	}{
		{"web-1.us-east-1.elb.localhost.", dns.TypeA, dns.RcodeSuccess, 2, 60},
		{"WEB-1.us-EAST-1.elb.localhost.", dns.TypeA, dns.RcodeSuccess, 2, 60},
		{"web-1.us-east-1.elb.localhost.", dns.TypeAAAA, dns.RcodeSuccess, 0, 0},
		{"web-1.us-east-1.elb.localhost.", dns.TypeMX, dns.RcodeSuccess, 0, 0},
		{"a.b.apps.us-east-1.elb.localhost.", dns.TypeA, dns.RcodeSuccess, 1, 5},
		{"apps.us-east-1.elb.localhost.", dns.TypeA, dns.RcodeNameError, 0, 0},
		{"web-2.us-east-1.elb.localhost.", dns.TypeA, dns.RcodeNameError, 0, 0},
		{"elsewhere.example.", dns.TypeA, dns.RcodeSuccess, 1, 60},
		{"1.0.0.10.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, 0, 0},
		{"example.com.", dns.TypeA, dns.RcodeServerFailure, 0, 0}, // the host has no resolver
		{"example.com.", dns.TypeAXFR, dns.RcodeRefused, 0, 0},
	} {
		for _, network := range []string{"udp", "tcp"} {
			m := ask(t, network, port, c.name, c.kind)
			if m.Rcode != c.rcode || len(m.Answer) != c.count || c.count > 0 && m.Answer[0].Header().Ttl != c.ttl {
				t.Errorf("%s %s: %v", network, c.name, m)
			}
		}
	}
	first := map[string]int{}
	for range 10 {
		first[addresses(ask(t, "udp", port, "web-1.us-east-1.elb.localhost.", dns.TypeA))[0]]++
	}
	if first["10.0.0.1"] != 5 {
		t.Errorf("first addresses: %v", first)
	}
	if st := s.Sockets(); len(st) != 1 || !st[0].Open {
		t.Errorf("%+v", st)
	}
}

// TestApply changes records without closing sockets, and closes those no zone names.
func TestApply(t *testing.T) {
	port := freePort(t)
	s := start(t, "")
	s.Apply([]edgeapi.Zone{testZone(port)})
	z := testZone(port)
	z.Records[0].Addresses = z.Records[0].Addresses[1:]
	before := s.zones["vpc-1"].sockets[loopback]
	s.Apply([]edgeapi.Zone{z})
	if got := addresses(ask(t, "udp", port, "web-1.us-east-1.elb.localhost.", dns.TypeA)); len(got) != 1 || got[0] != "10.0.0.2" {
		t.Errorf("%v", got)
	}
	if s.zones["vpc-1"].sockets[loopback] != before {
		t.Error("the socket was opened again")
	}
	s.Apply(nil)
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		c.Close()
		t.Error("still open")
	}
}

// upstream is a resolver of the host.
func upstream(t *testing.T, handle func(w dns.ResponseWriter, q *dns.Msg)) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	s := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(handle), NotifyStartedFunc: func() { close(ready) }}
	go s.ActivateAndServe()
	<-ready
	t.Cleanup(func() { s.Shutdown() })
	return c.LocalAddr().String()
}

func TestForwarding(t *testing.T) {
	var asked atomic.Int32
	address := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		switch q.Question[0].Name {
		case "none.example.com.":
			m.SetRcode(q, dns.RcodeNameError)
		default:
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: net.IPv4(192, 0, 2, 1),
			})
		}
		w.WriteMsg(m)
	})
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0") // a resolver that is down
	if err != nil {
		t.Fatal(err)
	}
	silent.Close()
	port := freePort(t)
	s := start(t, "")
	s.forward.servers, s.forward.checked = []string{silent.LocalAddr().String(), address}, time.Now().Add(time.Hour)
	s.Apply([]edgeapi.Zone{testZone(port)})
	for range 3 {
		if got := addresses(ask(t, "udp", port, "example.com.", dns.TypeA)); len(got) != 1 || got[0] != "192.0.2.1" {
			t.Fatalf("%v", got)
		}
		if m := ask(t, "tcp", port, "none.example.com.", dns.TypeA); m.Rcode != dns.RcodeNameError || !m.RecursionAvailable {
			t.Fatalf("%v", m)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the resolver was asked %d times", n)
	}
}

func TestResolverFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	f := newForwarder(file)
	now := time.Now()
	if got := f.resolvers(now); got != nil {
		t.Errorf("%v", got)
	}
	os.WriteFile(file, []byte("search x\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n"), 0o600)
	if got := f.resolvers(now.Add(time.Second)); got != nil {
		t.Errorf("%v read too often", got)
	}
	if got := f.resolvers(now.Add(recheck)); len(got) != 2 || got[0] != "192.0.2.1:53" || got[1] != "[2001:db8::1]:53" {
		t.Errorf("%v", got)
	}
}

func TestCache(t *testing.T) {
	now := time.Now()
	c := newCache()
	question := func(name string) *dns.Msg { return new(dns.Msg).SetQuestion(name, dns.TypeA) }
	answer := func(name string, ttl uint32) *dns.Msg {
		m := new(dns.Msg).SetReply(question(name))
		m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: ttl}, A: net.IPv4(1, 1, 1, 1)})
		return m
	}
	k := keyOf(question("A.example."))
	c.put(k, answer("a.example.", 30), now)
	if m := c.get(k, now.Add(10*time.Second)); m == nil || m.Answer[0].Header().Ttl != 20 {
		t.Errorf("%v", m)
	}
	if m := c.get(k, now.Add(30*time.Second)); m != nil {
		t.Errorf("%v", m)
	}
	c.put(k, answer("a.example.", 0), now)
	if m := c.get(k, now); m != nil {
		t.Errorf("%v", m)
	}
	for i := range maxCached + 10 {
		name := fmt.Sprintf("n%d.example.", i)
		c.put(keyOf(question(name)), answer(name, 100), now)
	}
	if c.order.Len() != maxCached || len(c.entries) != maxCached {
		t.Errorf("%d entries", c.order.Len())
	}
	if c.get(keyOf(question("n0.example.")), now) != nil || c.get(keyOf(question("n10.example.")), now) == nil {
		t.Error("the wrong ones went")
	}
}

func TestPrivateReverse(t *testing.T) {
	for name, want := range map[string]bool{
		"1.0.0.10.in-addr.arpa.": true, "10.in-addr.arpa.": true, "1.1.16.172.in-addr.arpa.": true, "1.1.32.172.in-addr.arpa.": false,
		"1.1.168.192.in-addr.arpa.": true, "1.1.1.192.in-addr.arpa.": false, "1.1.18.198.in-addr.arpa.": true,
		"4.4.8.8.in-addr.arpa.": false, "10.example.": false, "172.in-addr.arpa.": false,
	} {
		if isPrivateReverse(name) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
}

// TestNamespaces has two VPCs with the same addresses and different names.
func TestNamespaces(t *testing.T) {
	s := start(t, "")
	var zones []edgeapi.Zone
	paths := map[string]string{}
	for i, vpc := range []string{"vpc-a", "vpc-b"} {
		paths[vpc] = netnstest.New(t)
		zones = append(zones, edgeapi.Zone{
			VPC: vpc, Namespace: paths[vpc], Listen: []netip.Addr{loopback},
			Records: []edgeapi.Record{{Name: "db.internal", Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}}},
		})
	}
	zones = append(zones, edgeapi.Zone{VPC: "vpc-c", Namespace: filepath.Join(t.TempDir(), "later"), Listen: []netip.Addr{loopback}})
	s.Apply(zones)
	o := netns.NewOpener()
	defer o.Close()
	for i, vpc := range []string{"vpc-a", "vpc-b"} {
		ns, err := o.Open(paths[vpc])
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		c, err := ns.DialTCP(t.Context(), netip.AddrPortFrom(loopback, 53), nil)
		if err != nil {
			t.Fatal(err)
		}
		conn := &dns.Conn{Conn: c}
		if err := conn.WriteMsg(new(dns.Msg).SetQuestion("db.internal.", dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		if got := addresses(m); len(got) != 1 || got[0] != fmt.Sprintf("10.0.0.%d", i) {
			t.Errorf("%s: %v", vpc, got)
		}
		c.Close()
	}
	st := s.Sockets()
	if len(st) != 3 || !st[0].Open || st[2].Open || st[2].Error == "" {
		t.Errorf("%+v", st)
	}
	netnstest.At(t, zones[2].Namespace)
	for deadline := time.Now().Add(10 * time.Second); !s.Sockets()[2].Open; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", s.Sockets())
		}
	}
}
