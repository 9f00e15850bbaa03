package process

import (
	"net"
	"net/netip"
	"os"
	"testing"
)

// TestListening finds this process by what it listens on.
func TestListening(t *testing.T) {
	me := Identify(os.Getpid())
	loopback := netip.MustParseAddr("127.0.0.1")
	for _, c := range []struct {
		network, address string
		at               netip.Addr
		want             ID
	}{
		{"tcp4", "127.0.0.1:0", loopback, me},
		{"tcp4", "127.0.0.1:0", netip.MustParseAddr("127.0.0.2"), ID{}},
		{"tcp4", "0.0.0.0:0", loopback, me},
		{"tcp", "[::]:0", loopback, me},
		{"udp4", "127.0.0.1:0", loopback, me},
		{"udp4", "127.0.0.1:0", netip.MustParseAddr("127.0.0.2"), ID{}},
	} {
		var port uint16
		if c.network == "udp4" {
			s, err := net.ListenPacket(c.network, c.address)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			port = s.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		} else {
			l, err := net.Listen(c.network, c.address)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		}
		if got, err := Listening(c.network[:3], netip.AddrPortFrom(c.at, port)); err != nil || got != c.want {
			t.Errorf("%s %s: %v has %s: %v", c.network, c.address, got, c.at, err)
		}
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if name := me.Name(); err != nil || name == "" || name+"\n" != string(comm) {
		t.Errorf("name %q, %v", name, err)
	}
}
