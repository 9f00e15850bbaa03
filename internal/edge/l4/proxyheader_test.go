package l4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// proxied is a header of PROXY protocol version 2, as a target reads it.
type proxied struct {
	protocol byte
	from, to netip.AddrPort
}

var errHeader = errors.New("not a PROXY header of version 2 for IPv4")

// parseProxied reads a header after the specification, strictly, and returns what follows it.
func parseProxied(b []byte) (p proxied, rest []byte, err error) {
	if len(b) < 16 || !bytes.Equal(b[:12], []byte{0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a}) || b[12] != 0x21 {
		return p, nil, errHeader
	}
	switch b[13] {
	case 0x11:
		p.protocol = protocolTCP
	case 0x12:
		p.protocol = protocolUDP
	default:
		return p, nil, errHeader
	}
	n := int(binary.BigEndian.Uint16(b[14:]))
	if n < 12 || len(b) < 16+n {
		return p, nil, errHeader
	}
	a := b[16:]
	p.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[0:4])), binary.BigEndian.Uint16(a[8:]))
	p.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:8])), binary.BigEndian.Uint16(a[10:]))
	return p, b[16+n:], nil
}

func TestProxyHeader(t *testing.T) {
	from, to := netip.MustParseAddrPort("203.0.113.7:49152"), netip.MustParseAddrPort("10.0.0.5:443")
	got := appendProxyHeader([]byte("before"), protocolTCP, from, to)
	want := "before\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x05\xc0\x00\x01\xbb"
	if string(got) != want {
		t.Errorf("%q", got)
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add(byte(protocolTCP), []byte{1, 2, 3, 4, 5, 6}, []byte{7, 8, 9, 10, 11, 12}, []byte("GET / HTTP/1.1\r\n"))
	f.Add(byte(protocolUDP), []byte{0, 0, 0, 0, 0, 0}, []byte{255, 255, 255, 255, 255, 255}, []byte{})
	f.Fuzz(func(t *testing.T, protocol byte, a, b, payload []byte) {
		if len(a) < 6 || len(b) < 6 {
			return
		}
		if protocol != protocolUDP {
			protocol = protocolTCP
		}
		at := func(b []byte) netip.AddrPort {
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), binary.BigEndian.Uint16(b[4:]))
		}
		p, rest, err := parseProxied(append(appendProxyHeader(nil, protocol, at(a), at(b)), payload...))
		if err != nil || p != (proxied{protocol, at(a), at(b)}) || !bytes.Equal(rest, payload) {
			t.Fatalf("%+v %q %v", p, rest, err)
		}
	})
}

// TestProxyProtocol has targets that are told who their clients are, by TCP and by UDP.
func TestProxyProtocol(t *testing.T) {
	seen := make(chan []byte, 4)
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, func(c *net.TCPConn) {
		all, _ := io.ReadAll(c)
		seen <- all
	}))
	b.group(func(g *edgeapi.TargetGroup) { g.ProxyProtocol = true })
	c := b.dial()
	io.WriteString(c, "hello")
	c.CloseWrite()
	p, rest, err := parseProxied(<-seen)
	local := c.LocalAddr().(*net.TCPAddr).AddrPort()
	if err != nil || p.from != local || p.to.String() != b.address() || string(rest) != "hello" {
		t.Errorf("%+v %q %v, from %s", p, rest, err, local)
	}
	// The target is told before the client says anything.
	early := make(chan []byte, 1)
	b.setTargets(tcpTarget(t, func(c *net.TCPConn) {
		header := make([]byte, 28)
		io.ReadFull(c, header)
		early <- header
	}))
	b.dial()
	if _, _, err := parseProxied(<-early); err != nil {
		t.Error(err)
	}

	u := newBench(t, edgeapi.ProtocolUDP, udpTarget(t, func(datagram []byte, _ netip.AddrPort) []byte { return datagram }))
	u.group(func(g *edgeapi.TargetGroup) { g.ProxyProtocol = true })
	d, err := net.Dial("udp4", u.address())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, text := range []string{"one", "two", ""} { // every datagram stands alone
		got := exchange(t, d, text)
		p, rest, err := parseProxied([]byte(got))
		if err != nil || p.protocol != protocolUDP || p.from != d.LocalAddr().(*net.UDPAddr).AddrPort() || string(rest) != text {
			t.Errorf("%+v %q %v", p, rest, err)
		}
	}
}
