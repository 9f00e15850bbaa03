package fabric

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/neargate/neargate/internal/network"
)

// sides is a world with a client in group "client" and a server in group "server" that serves TCP and UDP at ports 80, 81 and 90.
func sides(t *testing.T) (w *world, client, server place, to netip.Addr) {
	m := newMachine(t)
	w = newWorld(t, m, m.start(), "vpc-1")
	w.group("client", nil, "10.0.0.10")
	w.group("server", nil, "10.0.1.10")
	client, server = w.attach("10.0.0.10", "client"), w.attach("10.0.1.10", "server")
	for _, p := range []int{80, 81, 90} {
		server.serveTCP(p)
		server.serveUDP(p)
	}
	return w, client, server, addr("10.0.1.10")
}

func TestIngressRules(t *testing.T) {
	w, client, _, server := sides(t)
	tests := []struct {
		name     string
		rules    []network.Rule
		tcp, udp []int // ports open among 80, 81, 90
		ping     bool
	}{
		{name: "default deny"},
		{name: "all", rules: allowAll, tcp: []int{80, 81, 90}, udp: []int{80, 81, 90}, ping: true},
		{name: "one TCP port from anywhere", rules: []network.Rule{tcp(80, 80, "0.0.0.0/0")}, tcp: []int{80}},
		{name: "range of TCP ports", rules: []network.Rule{tcp(80, 81, "0.0.0.0/0")}, tcp: []int{80, 81}},
		{name: "all TCP ports", rules: []network.Rule{tcp(0, 65535, "0.0.0.0/0")}, tcp: []int{80, 81, 90}},
		{name: "UDP", rules: []network.Rule{udp(81, 90, "10.0.0.0/16")}, udp: []int{81, 90}},
		{name: "protocol without ports", rules: []network.Rule{ports(17, -1, -1, "0.0.0.0/0")}, udp: []int{80, 81, 90}},
		{name: "another protocol", rules: []network.Rule{ports(47, -1, -1, "0.0.0.0/0")}},
		{name: "from the client's address", rules: []network.Rule{tcp(80, 80, "10.0.0.10/32")}, tcp: []int{80}},
		{name: "from the client's neighbour", rules: []network.Rule{tcp(80, 80, "10.0.0.11/32")}},
		{name: "from the client's subnet", rules: []network.Rule{tcp(80, 80, "10.0.0.0/24")}, tcp: []int{80}},
		{name: "from another subnet", rules: []network.Rule{tcp(80, 80, "10.0.1.0/24")}},
		{name: "prefix with host bits", rules: []network.Rule{tcp(80, 80, "10.0.0.99/24")}, tcp: []int{80}},
		{name: "one of many prefixes", rules: []network.Rule{tcp(80, 80, "172.16.0.0/12", "10.0.0.8/29", "192.168.0.0/16")}, tcp: []int{80}},
		{name: "none of many prefixes", rules: []network.Rule{tcp(80, 80, "172.16.0.0/12", "10.0.0.16/29", "10.0.0.0/29", "192.168.0.0/16")}},
		{name: "adjacent and overlapping prefixes", rules: []network.Rule{tcp(80, 80, "10.0.0.0/29", "10.0.0.8/29", "10.0.0.0/28", "1.0.0.0/8")}, tcp: []int{80}},
		{name: "prefix up to the last address", rules: []network.Rule{tcp(80, 80, "128.0.0.0/1", "10.0.0.0/8")}, tcp: []int{80}},
		{name: "two rules", rules: []network.Rule{tcp(80, 80, "0.0.0.0/0"), udp(90, 90, "0.0.0.0/0")}, tcp: []int{80}, udp: []int{90}},
		{name: "from the client's group", rules: []network.Rule{fromGroups(tcp(80, 80), "client")}, tcp: []int{80}},
		{name: "from the server's own group", rules: []network.Rule{fromGroups(tcp(80, 80), "server")}},
		{name: "from a group that nobody made", rules: []network.Rule{fromGroups(tcp(80, 80), "nobody")}},
		{name: "from one of two groups", rules: []network.Rule{fromGroups(tcp(80, 80), "nobody", "client")}, tcp: []int{80}},
		{name: "from a prefix or a group", rules: []network.Rule{fromGroups(tcp(80, 80, "172.16.0.0/12"), "client")}, tcp: []int{80}},
		{name: "from nobody", rules: []network.Rule{tcp(80, 80)}},
		{name: "all ICMP", rules: []network.Rule{ports(1, -1, -1, "0.0.0.0/0")}, ping: true},
		{name: "ICMP echo", rules: []network.Rule{ports(1, 8, -1, "0.0.0.0/0")}, ping: true},
		{name: "ICMP echo, code 0", rules: []network.Rule{ports(1, 8, 0, "0.0.0.0/0")}, ping: true},
		{name: "ICMP echo, code 1", rules: []network.Rule{ports(1, 8, 1, "0.0.0.0/0")}},
		{name: "another ICMP type", rules: []network.Rule{ports(1, 13, -1, "0.0.0.0/0")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := place{t, client.path}
			w.group("server", test.rules, "10.0.1.10")
			client.triesAll(server, test.tcp, test.udp)
			wait := impatience
			if test.ping {
				wait = patience
			}
			if err := client.ping(server, ipv4.ICMPTypeEcho, wait); (err == nil) != test.ping {
				t.Errorf("ping: %v, want answer: %v", err, test.ping)
			}
		})
	}
}

// triesAll reaches the ports that are open and misses the others, all at once.
func (p place) triesAll(to netip.Addr, tcp, udp []int) {
	p.tb.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, port := range []int{80, 81, 90} {
		wg.Go(func() { p.tries("tcp4", to, port, slices.Contains(tcp, port)) })
		wg.Go(func() { p.tries("udp4", to, port, slices.Contains(udp, port)) })
	}
}

func (p place) tries(network string, to netip.Addr, port int, open bool) {
	p.tb.Helper()
	if open {
		p.reaches(network, to, port)
	} else {
		p.misses(network, to, port)
	}
}

func TestEgressRules(t *testing.T) {
	w, client, _, server := sides(t)
	w.group("server", allowAll, "10.0.1.10")
	tests := []struct {
		name  string
		rules []network.Rule
		tcp   []int
		udp   []int
	}{
		{name: "none"},
		{name: "a port", rules: []network.Rule{tcp(81, 81, "0.0.0.0/0")}, tcp: []int{81}},
		{name: "to the server's subnet", rules: []network.Rule{ports(-1, 0, 0, "10.0.1.0/24")}, tcp: []int{80, 81, 90}, udp: []int{80, 81, 90}},
		{name: "to the client's subnet", rules: []network.Rule{ports(-1, 0, 0, "10.0.0.0/24")}},
		{name: "to the server's group", rules: []network.Rule{fromGroups(udp(80, 90), "server")}, udp: []int{80, 81, 90}},
		{name: "to the client's group", rules: []network.Rule{fromGroups(udp(80, 90), "client")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := place{t, client.path}
			w.groupConfig(network.GroupConfig{ID: "client", Egress: test.rules}, "10.0.0.10")
			client.triesAll(server, test.tcp, test.udp)
		})
	}
}

// A reply needs no rule: neither the server's egress nor the client's ingress.
func TestRepliesAreStateful(t *testing.T) {
	w, client, server, to := sides(t)
	w.groupConfig(network.GroupConfig{ID: "client", Egress: allowAll}, "10.0.0.10")
	w.groupConfig(network.GroupConfig{ID: "server", Ingress: allowAll}, "10.0.1.10")
	client.serveTCP(80)
	client.reaches("tcp4", to, 80)
	client.reaches("udp4", to, 80)
	check(t, client.ping(to, ipv4.ICMPTypeEcho, patience))
	server.misses("tcp4", addr("10.0.0.10"), 80)
}

// An ENI in several groups may what any of them may.
func TestGroupsOfAnInterfaceAdd(t *testing.T) {
	w, client, _, to := sides(t)
	w.group("a", []network.Rule{tcp(80, 80, "0.0.0.0/0")}, "10.0.1.10")
	w.group("b", []network.Rule{tcp(81, 81, "0.0.0.0/0")}, "10.0.1.10")
	for _, step := range []struct {
		groups []string
		open   []int
	}{
		{[]string{"a"}, []int{80}},
		{[]string{"b", "a"}, []int{80, 81}},
		{[]string{"b"}, []int{81}},
		{nil, nil},
		{[]string{"later"}, nil},
	} {
		w.attach("10.0.1.10", step.groups...)
		client.triesAll(to, step.open, nil)
	}
	w.group("later", allowAll)
	client.reaches("tcp4", to, 90)
}

func TestMembersChange(t *testing.T) {
	w, client, _, to := sides(t)
	rules := []network.Rule{fromGroups(tcp(80, 80), "friends")}
	w.group("server", rules, "10.0.1.10")
	client.misses("tcp4", to, 80)
	w.group("friends", nil, "10.0.0.9", "10.0.0.10")
	client.reaches("tcp4", to, 80)
	w.group("friends", nil, "10.0.0.9")
	client.misses("tcp4", to, 80)
	w.group("friends", nil, "10.0.0.10")
	client.reaches("tcp4", to, 80)
	check(t, w.f.DeleteGroup(t.Context(), "vpc-1", "friends"))
	client.misses("tcp4", to, 80)
	w.group("server", nil, "10.0.1.10") // the last that named it
	w.group("server", rules, "10.0.1.10")
	w.group("friends", nil, "10.0.0.10")
	client.reaches("tcp4", to, 80)
}

func TestChangeMembers(t *testing.T) {
	w, client, _, to := sides(t)
	w.group("server", []network.Rule{fromGroups(tcp(80, 80), "friends")}, "10.0.1.10")
	a, b := []netip.Addr{addr("10.0.0.10")}, []netip.Addr{addr("10.0.0.11")}
	if err := w.f.ChangeMembers(t.Context(), "vpc-1", "friends", a, nil); err == nil {
		t.Error("members of a group that is only named")
	}
	w.group("friends", nil)
	for range 2 {
		check(t, w.f.ChangeMembers(t.Context(), "vpc-1", "friends", a, b))
		client.reaches("tcp4", to, 80)
	}
	for range 2 {
		check(t, w.f.ChangeMembers(t.Context(), "vpc-1", "friends", b, a))
		client.misses("tcp4", to, 80)
	}
	w.group("friends", nil, "10.0.0.10")
	client.reaches("tcp4", to, 80)
}

// Tracked connections go on when the rule that admitted them goes; new ones do not come.
func TestEstablishedOutlivesItsRule(t *testing.T) {
	w, client, _, to := sides(t)
	w.group("server", []network.Rule{tcp(80, 80, "0.0.0.0/0")}, "10.0.1.10")
	c := client.connect(to, 80)
	w.group("server", nil, "10.0.1.10")
	check(t, c.exchange(patience))
	client.misses("tcp4", to, 80)
}

// stream is a connection to a serveTCP.
type stream struct{ net.Conn }

func (p place) connect(to netip.Addr, port int) *stream {
	p.tb.Helper()
	c, err := p.dial("tcp4", netip.AddrPortFrom(to, uint16(port)), patience)
	check(p.tb, err)
	p.tb.Cleanup(func() { c.Close() })
	_, err = io.ReadFull(c, make([]byte, 4))
	check(p.tb, err)
	return &stream{c}
}

// exchange sends something and waits for its echo.
func (c *stream) exchange(wait time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("echo")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

// An interface that gets a used address does not inherit the connections of its predecessor.
func TestAddressReuse(t *testing.T) {
	w, client, _, to := sides(t)
	w.group("server", []network.Rule{udp(80, 80, "0.0.0.0/0")}, "10.0.1.10")
	c, err := client.dial("udp4", addrPort(to, 80), patience)
	check(t, err)
	defer c.Close()
	ask := func(wait time.Duration) error {
		check(t, c.SetDeadline(time.Now().Add(wait)))
		if _, err := c.Write([]byte("?")); err != nil {
			return err
		}
		_, err := c.Read(make([]byte, 4))
		return err
	}
	check(t, ask(patience))
	check(t, w.f.DeleteInterface(t.Context(), "vpc-1", w.config("10.0.1.10").ID))
	w.group("closed", nil, "10.0.1.10")
	successor := w.config("10.0.1.10", "closed")
	successor.ID = "eni-successor"
	w.attachConfig(successor).serveUDP(80)
	if err := ask(impatience); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("old connection to new interface: %v", err)
	}
}

// Nobody sends under an address not its own, not even as part of somebody's established connection.
func TestAntiSpoofing(t *testing.T) {
	w, client, server, to := sides(t)
	w.group("server", allowAll, "10.0.1.10")
	spoof := func(p place) {
		t.Helper()
		check(t, p.do(func() error { return addToLoopback(addr("10.0.0.77")) }))
		var c *net.UDPConn
		check(t, p.do(func() (err error) {
			c, err = net.DialUDP("udp4", &net.UDPAddr{IP: net.IP{10, 0, 0, 77}}, &net.UDPAddr{IP: to.AsSlice(), Port: 99})
			return err
		}))
		defer c.Close()
		_, err := c.Write([]byte("spoofed"))
		check(t, err)
	}
	var l *net.UDPConn
	check(t, server.do(func() (err error) {
		l, err = net.ListenUDP("udp4", &net.UDPAddr{Port: 99})
		return err
	}))
	defer l.Close()
	spoof(client)
	check(t, l.SetDeadline(time.Now().Add(impatience)))
	if _, from, err := l.ReadFrom(make([]byte, 10)); err == nil {
		t.Errorf("spoofed packet from %s arrived", from)
	}
	unchecked := w.config("10.0.0.10", "client")
	unchecked.SourceDestCheck = false
	w.attachConfig(unchecked)
	spoof(client)
	check(t, l.SetDeadline(time.Now().Add(patience)))
	if _, _, err := l.ReadFrom(make([]byte, 10)); err != nil {
		t.Errorf("router's packet: %v", err)
	}
	client.reaches("udp4", to, 80)
	w.attach("10.0.0.10", "client")
	spoof(client)
	check(t, l.SetDeadline(time.Now().Add(impatience)))
	if _, from, err := l.ReadFrom(make([]byte, 10)); err == nil {
		t.Errorf("spoofed packet from %s arrived", from)
	}
}

func TestLoopbackOfAnInterface(t *testing.T) {
	_, client, _, _ := sides(t)
	client.serveTCP(8080)
	client.reaches("tcp4", addr("127.0.0.1"), 8080)
	client.reaches("tcp4", addr("10.0.0.10"), 8080)
}

// The VPC's services answer everybody, whatever the groups say; the router's other addresses answer nobody.
func TestServicesAreNotFiltered(t *testing.T) {
	w, _, _, _ := sides(t)
	router := place{t, w.f.NamespacePath("vpc-1")}
	router.serveUDP(53)
	router.serveTCP(80)
	w.groupConfig(network.GroupConfig{ID: "mute"})
	for _, from := range []string{"10.0.0.20", "10.0.2.20"} {
		p := w.attach(from, "mute")
		for _, to := range []string{"169.254.169.253", "169.254.169.254", "169.254.170.2", "10.0.0.2"} {
			p.reaches("tcp4", addr(to), 80)
		}
		p.reachesBound("10.0.0.2", 53)
		p.reachesBound("169.254.169.253", 53)
		p.misses("tcp4", addr("10.0.0.1"), 80)
		p.misses("tcp4", addr("169.254.169.1"), 80)
	}
}
