package netns

import (
	"context"
	"net"
	"net/netip"
)

// ListenTCP listens inside the namespace. Accepted connections have no TCP keep-alive: whoever accepts them has timeouts of
// its own.
func (n *Namespace) ListenTCP(addr netip.AddrPort) (l *net.TCPListener, err error) {
	config := net.ListenConfig{KeepAlive: -1}
	err = n.opener.in(n.file, func() error {
		// With a literal address the socket is created on this very goroutine.
		listener, err := config.Listen(context.Background(), "tcp4", addr.String())
		if err == nil {
			l = listener.(*net.TCPListener)
		}
		return err
	})
	return l, err
}

// ListenUDP receives datagrams inside the namespace.
func (n *Namespace) ListenUDP(addr netip.AddrPort) (c *net.UDPConn, err error) {
	err = n.opener.in(n.file, func() error {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
		return err
	})
	return c, err
}
