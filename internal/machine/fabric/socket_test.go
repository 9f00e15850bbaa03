package fabric

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

const (
	patience   = time.Minute            // for what must arrive, on a busy machine
	impatience = 120 * time.Millisecond // for what must not
)

// serveTCP tells every caller under which address it was seen, then echoes.
func (p place) serveTCP(port int) {
	p.tb.Helper()
	var l net.Listener
	check(p.tb, p.do(func() (err error) {
		l, err = net.Listen("tcp4", ":"+strconv.Itoa(port))
		return err
	}))
	p.tb.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				seen := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().As4()
				if _, err := c.Write(seen[:]); err == nil {
					_, _ = io.Copy(c, c)
				}
			}()
		}
	}()
}

// serveUDP answers every datagram with the address it was seen from.
func (p place) serveUDP(port int) {
	p.tb.Helper()
	p.serveUDPAt(netip.IPv4Unspecified(), port)
}

func (p place) serveUDPAt(a netip.Addr, port int) {
	p.tb.Helper()
	var c *net.UDPConn
	check(p.tb, p.do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: a.AsSlice(), Port: port})
		return err
	}))
	p.tb.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 64)
		for {
			_, peer, err := c.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			seen := peer.Addr().Unmap().As4()
			_, _ = c.WriteToUDPAddrPort(seen[:], peer)
		}
	}()
}

// call connects and returns the address that the server saw.
func (p place) call(network string, to netip.AddrPort, wait time.Duration) (netip.Addr, error) {
	return p.callBy(net.Dialer{Timeout: wait}, network, to)
}

func (p place) callBy(d net.Dialer, network string, to netip.AddrPort) (netip.Addr, error) {
	c, err := p.dialBy(d, network, to)
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(d.Timeout)); err != nil {
		return netip.Addr{}, err
	}
	if network == "udp4" {
		if _, err := c.Write([]byte("?")); err != nil {
			return netip.Addr{}, err
		}
	}
	var seen [4]byte
	_, err = io.ReadFull(c, seen[:])
	return netip.AddrFrom4(seen), err
}

func (p place) dial(network string, to netip.AddrPort, wait time.Duration) (net.Conn, error) {
	return p.dialBy(net.Dialer{Timeout: wait}, network, to)
}

func (p place) dialBy(d net.Dialer, network string, to netip.AddrPort) (c net.Conn, err error) {
	err = p.do(func() error {
		c, err = d.Dial(network, to.String())
		return err
	})
	return c, err
}

// reaches fails the test unless the server answers; it returns the address that the server saw.
func (p place) reaches(network string, addr netip.Addr, port int) netip.Addr {
	p.tb.Helper()
	seen, err := p.call(network, netip.AddrPortFrom(addr, uint16(port)), patience)
	if err != nil {
		p.tb.Errorf("%s %s:%d not reached: %v", network, addr, port, err)
	}
	return seen
}

// misses fails the test if the server answers, or if anything answers at all: what a security group forbids is dropped silently.
func (p place) misses(network string, addr netip.Addr, port int) {
	p.tb.Helper()
	seen, err := p.call(network, netip.AddrPortFrom(addr, uint16(port)), impatience)
	if err == nil {
		p.tb.Errorf("%s %s:%d reached (seen as %s), must be dropped", network, addr, port, seen)
		return
	}
	if e, ok := err.(net.Error); !ok || !e.Timeout() {
		p.tb.Errorf("%s %s:%d: %v, must be dropped silently", network, addr, port, err)
	}
}

// ping sends an ICMP message of the type and waits for the echo.
func (p place) ping(addr netip.Addr, kind ipv4.ICMPType, wait time.Duration) error {
	var c *icmp.PacketConn
	err := p.do(func() (err error) {
		c, err = icmp.ListenPacket("ip4:icmp", "0.0.0.0")
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	token := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	m := icmp.Message{Type: kind, Body: &icmp.Echo{ID: rand.IntN(1 << 16), Seq: 1, Data: token}}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(b, &net.IPAddr{IP: addr.AsSlice()}); err != nil {
		return err
	}
	check(p.tb, c.SetReadDeadline(time.Now().Add(wait)))
	for {
		b := make([]byte, 1500)
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return err
		}
		got, err := icmp.ParseMessage(1, b[:n])
		if err != nil {
			return err
		}
		if e, ok := got.Body.(*icmp.Echo); ok && got.Type == ipv4.ICMPTypeEchoReply && string(e.Data) == string(token) {
			return nil
		}
	}
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// reachesBound is reaches for a UDP server that answers from whatever address the route prefers.
func (p place) reachesBound(to string, port int) {
	p.tb.Helper()
	var c *net.UDPConn
	check(p.tb, p.do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{})
		return err
	}))
	defer c.Close()
	_, err := c.WriteToUDPAddrPort([]byte("?"), netip.AddrPortFrom(addr(to), uint16(port)))
	check(p.tb, err)
	check(p.tb, c.SetDeadline(time.Now().Add(patience)))
	if _, _, err := c.ReadFromUDPAddrPort(make([]byte, 4)); err != nil {
		p.tb.Errorf("udp4 %s:%d not reached: %v", to, port, err)
	}
}

func addToLoopback(a netip.Addr) error {
	return netlink.AddrReplace(loopback, hostAddress(a))
}
