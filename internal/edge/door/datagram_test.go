package door

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestSilentClients has a server that speaks first, behind a TCP listener.
func TestSilentClients(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 hello\r\n")
			c.Close()
		}
	}()
	k := start(t)
	k.dial = balancers{l, l}.dial
	port := freePort(t)
	mail := doorTo(1, port, "mail.localhost")
	mail.Protocol = edgeapi.ProtocolTCP
	k.Apply([]edgeapi.Door{mail}, nil)
	for _, address := range []string{"127.0.0.1", "127.77.1.1"} {
		c, err := net.Dial("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if greeting, err := io.ReadAll(c); err != nil || string(greeting) != "220 hello\r\n" {
			t.Errorf("%s: %q, %v", address, greeting, err)
		}
		c.Close()
	}
}

// TestCrowdedPort has a TCP listener on a port on which another platform has names: who says HTTP is heard.
func TestCrowdedPort(t *testing.T) {
	dir := t.TempDir()
	first, _ := startAs(t, platform(dir, 0), "zero", "one")
	second, _ := startAs(t, platform(dir, 1), "zero", "one")
	port := freePort(t)
	plain := doorTo(1, port, "one.us-east-1.elb.localhost")
	plain.Protocol = edgeapi.ProtocolTCP
	first.Apply([]edgeapi.Door{plain}, nil)
	second.Apply([]edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost")}, nil)
	for host, want := range map[string]string{
		"zero.us-east-1.elb.localhost": "zero zero.us-east-1.elb.localhost 0",
		"one.us-east-1.elb.localhost":  "one one.us-east-1.elb.localhost 0",
	} {
		if _, body := get(t, fmt.Sprintf("127.0.0.1:%d", port), host, nil); body != want {
			t.Errorf("%s: %q", host, body)
		}
	}
}

// echoes is a load balancer for datagrams that answers with its name and what it got.
func echoes(t *testing.T, name string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort([]byte(name+" "+string(b[:n])), from)
		}
	}()
	return c
}

// askDatagram sends a datagram until it is answered: the load balancer's door may be about to open.
func askDatagram(t *testing.T, address string, port int, text string) (string, error) {
	t.Helper()
	c, err := net.Dial("udp4", net.JoinHostPort(address, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 64<<10)
	for range 200 {
		io.WriteString(c, text)
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, readErr := c.Read(b)
		if readErr == nil {
			return string(b[:n]), nil
		}
		err = readErr
	}
	return "", err
}

func TestDatagrams(t *testing.T) {
	k := start(t)
	var at []netip.AddrPort
	for _, name := range []string{"zero", "one"} {
		at = append(at, echoes(t, name).LocalAddr().(*net.UDPAddr).AddrPort())
	}
	k.dialUDP = func(to netip.AddrPort) (*net.UDPConn, error) { return dialUDP(at[to.Addr().As4()[3]]) }
	port := freePort(t)
	doors := []edgeapi.Door{doorTo(0, port, "zero.localhost"), doorTo(1, port, "one.localhost")}
	doors[0].Protocol, doors[1].Protocol = edgeapi.ProtocolUDP, edgeapi.ProtocolTCPUDP
	k.Apply(doors[:1], nil)
	for _, address := range []string{"127.0.0.1", "127.77.1.0"} {
		for _, text := range []string{"hello", string(make([]byte, 20_000))} {
			if got, err := askDatagram(t, address, port, text); err != nil || got != "zero "+text {
				t.Errorf("%s: %d octets, %v", address, len(got), err)
			}
		}
	}
	k.Apply(doors, nil)
	for address, want := range map[string]string{"127.77.1.0": "zero x", "127.77.1.1": "one x"} {
		if got, err := askDatagram(t, address, port, "x"); err != nil || got != want {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
	for _, st := range k.Sockets() {
		if st.Address == fmt.Sprintf("127.0.0.1:%d/udp", port) {
			t.Errorf("%+v, which is ambiguous", st)
		}
	}
	k.Apply(nil, nil)
	if c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 77, 1, 0}, Port: port}); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
}

// TestSilentFlows has many clients who have said something and now say nothing: the flows hold no buffers.
func TestSilentFlows(t *testing.T) {
	const clients = 50
	k := start(t)
	at := echoes(t, "zero").LocalAddr().(*net.UDPAddr).AddrPort()
	k.dialUDP = func(netip.AddrPort) (*net.UDPConn, error) { return dialUDP(at) }
	port := freePort(t)
	d := doorTo(0, port, "zero.localhost")
	d.Protocol = edgeapi.ProtocolUDP
	k.Apply([]edgeapi.Door{d}, nil)
	held := func() int64 {
		runtime.GC()
		runtime.GC() // also what pools keep
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	before := held()
	b := make([]byte, 16)
	for range clients {
		c, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, "x")
		if n, err := c.Read(b); err != nil || string(b[:n]) != "zero x" {
			t.Fatalf("%q, %v", b[:n], err)
		}
		held() // so that the next one finds no buffer in the pool
	}
	if n := k.held.Load(); n != clients {
		t.Errorf("%d flows", n)
	}
	if grown := held() - before; grown > clients*16<<10 {
		t.Errorf("%d octets for each flow", grown/clients)
	}
}

// TestClosedHatch is given a datagram that was received before it was closed.
func TestClosedHatch(t *testing.T) {
	k := start(t)
	k.dialUDP = func(netip.AddrPort) (*net.UDPConn, error) {
		t.Error("another flow begins")
		return nil, net.ErrClosed
	}
	port := freePort(t)
	d := doorTo(0, port, "zero.localhost")
	d.Protocol = edgeapi.ProtocolUDP
	k.Apply([]edgeapi.Door{d}, nil)
	at := netip.AddrPortFrom(shared, uint16(port))
	k.mu.Lock()
	h := k.hatches[at]
	k.mu.Unlock()
	c, r := h.socket, h.room
	k.Apply(nil, nil)
	if h.flow(c, r, netip.AddrPortFrom(shared, 1)) != nil || k.held.Load() != 0 {
		t.Errorf("%d flows", k.held.Load())
	}
}

// TestBurst has many clients who come all at once, before the first of their flows has begun.
func TestBurst(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: a socket's buffer is small otherwise")
	}
	const clients = 1500
	k := start(t)
	k.most = clients
	target, err := listenUDP(netip.AddrPortFrom(shared, 0)) // with room for all of them, too
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	sent := make(chan struct{})
	release := sync.OnceFunc(func() { close(sent) })
	defer release()
	k.dialUDP = func(netip.AddrPort) (*net.UDPConn, error) {
		<-sent
		return dialUDP(target.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	port := freePort(t)
	d := doorTo(0, port, "zero.localhost")
	d.Protocol = edgeapi.ProtocolUDP
	k.Apply([]edgeapi.Door{d}, nil)
	var all []net.Conn
	for range clients {
		c, err := net.Dial("udp4", fmt.Sprintf("127.77.1.0:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	release()
	b := make([]byte, 16)
	target.SetReadDeadline(time.Now().Add(30 * time.Second))
	for i := range clients {
		n, from, err := target.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatalf("%d of %d arrive: %v", i, clients, err)
		}
		target.WriteToUDPAddrPort(b[:n], from)
	}
	for i, c := range all {
		c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if n, err := c.Read(b); err != nil || string(b[:n]) != "x" {
			t.Fatalf("client %d: %q, %v", i, b[:n], err)
		}
	}
}
