package l4

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// exchange sends a datagram and returns the answer.
func exchange(t testing.TB, c net.Conn, text string) string {
	t.Helper()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func (b *bench) dialUDP() net.Conn {
	b.t.Helper()
	c, err := net.Dial("udp4", b.address())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

// teller answers each datagram with the target's name, the datagram and who sent it.
func teller(t testing.TB, name string) edgeapi.Target {
	return udpTarget(t, func(datagram []byte, from netip.AddrPort) []byte {
		return fmt.Appendf(nil, "%s %s %s", name, datagram, from)
	})
}

// TestDatagrams keeps many flows apart: each client gets its own answers, always from the same target, which sees the flow come from one port.
func TestDatagrams(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolUDP, teller(t, "a"), teller(t, "b"), teller(t, "c"))
	const clients, rounds = 200, 5
	var mu sync.Mutex
	targets, ports := map[string]int{}, map[string]bool{}
	var wg sync.WaitGroup
	for i := range clients {
		c := b.dialUDP()
		wg.Go(func() {
			var home string
			for round := range rounds {
				text := fmt.Sprintf("%d/%d", i, round)
				f := strings.Fields(exchange(t, c, text))
				if len(f) != 3 || f[1] != text {
					t.Errorf("client %d: %q", i, f)
					return
				}
				at := f[0] + " " + f[2]
				if home != "" && at != home {
					t.Errorf("client %d moved from %s to %s", i, home, at)
				}
				home = at
			}
			mu.Lock()
			defer mu.Unlock()
			targets[home[:1]]++
			if ports[home] {
				t.Errorf("two flows come from %s", home)
			}
			ports[home] = true
		})
	}
	wg.Wait()
	if len(targets) != 3 || targets["a"]+targets["b"]+targets["c"] != clients {
		t.Errorf("%v", targets)
	}
	f := b.flows("UDP")
	if f.New != clients || f.Active != clients || f.Packets != 2*clients*rounds || f.Bytes == 0 {
		t.Errorf("%+v", f)
	}
	b.setTargets()
	if got := exchangeNothing(t, b.dialUDP()); got != "" {
		t.Errorf("answered without a target: %q", got)
	}
}

func exchangeNothing(t testing.TB, c net.Conn) string {
	t.Helper()
	c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	io.WriteString(c, "anybody?")
	b := make([]byte, 100)
	n, _ := c.Read(b)
	return string(b[:n])
}

// TestLargeDatagrams loses nothing of the largest datagrams, and nothing of bursts.
func TestLargeDatagrams(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolUDP, udpTarget(t, func(d []byte, _ netip.AddrPort) []byte { return d }))
	c := b.dialUDP()
	for _, n := range []int{0, 1, 1472, 9000, 65_507} {
		if got := exchange(t, c, strings.Repeat("x", n)); len(got) != n {
			t.Errorf("%d octets came back as %d", n, len(got))
		}
	}
	for i := range 100 { // more than a batch, small enough for every buffer
		fmt.Fprintf(c, "%d", i)
	}
	for i := range 100 {
		p := make([]byte, 10)
		n, err := c.Read(p)
		if err != nil || string(p[:n]) != fmt.Sprint(i) {
			t.Fatalf("%d-th datagram: %q %v", i, p[:n], err)
		}
	}
}

// TestRefused has a target nobody listens at for a while: the flow lives on.
func TestRefused(t *testing.T) {
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	at := l.LocalAddr().(*net.UDPAddr)
	l.Close()
	b := newBench(t, edgeapi.ProtocolUDP, targetAt(at.AddrPort()))
	c := b.dialUDP()
	for range 3 {
		exchangeNothing(t, c)
	}
	l, err = net.ListenUDP("udp4", at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerAll(l, func(d []byte, _ netip.AddrPort) []byte { return d })
	if got := exchange(t, c, "hello"); got != "hello" && got != "anybody?" {
		t.Errorf("%q", got)
	}
	if f := b.flows("UDP"); f.New != 1 {
		t.Errorf("%+v", f)
	}
}

// TestBoth has one listener for TCP and UDP.
func TestBoth(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCPUDP)
	var target edgeapi.Target
	for {
		target = tcpTarget(t, echo)
		u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: target.Address.AsSlice(), Port: target.Port})
		if err != nil {
			continue
		}
		defer u.Close()
		go answerAll(u, func(d []byte, _ netip.AddrPort) []byte { return append(d, " by UDP"...) })
		break
	}
	b.setTargets(target)
	if got := exchange(t, b.dialUDP(), "hello"); got != "hello by UDP" {
		t.Errorf("%q", got)
	}
	if got := exchange(t, b.dial(), "hello"); got != "hello" {
		t.Errorf("%q", got)
	}
	if u, c := b.flows("UDP"), b.flows("TCP"); u.New != 1 || c.New != 1 {
		t.Errorf("%+v %+v", u, c)
	}
	// The listener becomes one for UDP alone.
	b.apply(func(s *edgeapi.Snapshot) {
		l := s.LoadBalancers[0].Listeners[0]
		l.Protocol = edgeapi.ProtocolUDP
		s.LoadBalancers = []edgeapi.LoadBalancer{s.LoadBalancers[0]}
		s.LoadBalancers[0].Listeners = []edgeapi.Listener{l}
	})
	if got := exchange(t, b.dialUDP(), "again"); got != "again by UDP" {
		t.Errorf("%q", got)
	}
	if err := b.turnedAway(); err == nil {
		t.Error("still takes connections")
	}
}
