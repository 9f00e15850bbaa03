package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// datagramIdle is how long a flow of datagrams may be silent, as at the load balancer.
const datagramIdle = 120 * time.Second

// hatch is a door for datagrams. One address and port of a client is one flow, which is carried by a socket of its own.
type hatch struct {
	keeper  *Keeper
	address netip.AddrPort
	room    *room                           // guarded by Keeper.mu
	socket  *net.UDPConn                    // guarded by Keeper.mu
	problem error                           // guarded by Keeper.mu
	mu      sync.Mutex                      // guards flows
	flows   map[netip.AddrPort]*net.UDPConn // nil when it is closed
}

func dialUDP(to netip.AddrPort) (*net.UDPConn, error) {
	return net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to))
}

// datagramBuffer is of the kernel, for bursts, as at the load balancer: a flow takes longer to begin than a client to send.
const datagramBuffer = 4 << 20

func listenUDP(at netip.AddrPort) (*net.UDPConn, error) {
	l := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, datagramBuffer) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, datagramBuffer)
			}
		})
	}}
	c, err := l.ListenPacket(context.Background(), "udp4", at.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", at, err)
	}
	return c.(*net.UDPConn), nil
}

func (h *hatch) open() error {
	c, err := listenUDP(h.address)
	if err != nil {
		return err
	}
	h.socket = c
	room := h.room
	h.keeper.serving.Go(func() { h.serve(c, room) })
	return nil
}

// close ends the socket and its flows.
func (h *hatch) close() {
	if h.socket == nil {
		return
	}
	h.socket.Close()
	h.socket = nil
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, up := range h.flows {
		up.Close()
	}
	h.flows = nil // a datagram that is being received begins no other one
}

// serve carries what clients send until the socket is closed.
func (h *hatch) serve(c *net.UDPConn, r *room) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of an earlier datagram
		}
		if up := h.flow(c, r, from); up != nil {
			_, _ = up.Write(b[:n]) // lost, as datagrams are
			up.SetReadDeadline(time.Now().Add(datagramIdle))
		}
	}
}

// flow finds or begins the flow of a client; nil if there is no way.
func (h *hatch) flow(c *net.UDPConn, r *room, from netip.AddrPort) *net.UDPConn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if up := h.flows[from]; up != nil {
		return up
	}
	k := h.keeper
	if h.flows == nil || k.ctx.Err() != nil {
		return nil
	}
	if k.held.Add(1) > k.most {
		k.held.Add(-1)
		return nil
	}
	up, err := k.dialUDP(r.next())
	if err != nil {
		k.held.Add(-1)
		k.log.Debug("door leads nowhere", "balancer", r.balancer, "err", err)
		return nil
	}
	up.SetReadDeadline(time.Now().Add(datagramIdle))
	h.flows[from] = up
	k.serving.Go(func() {
		defer k.held.Add(-1)
		h.answer(c, up, from)
	})
	return up
}

// answer carries what the load balancer sends until the flow is silent for too long.
func (h *hatch) answer(c, up *net.UDPConn, to netip.AddrPort) {
	defer up.Close()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.flows, to)
	}()
	raw, err := up.SyscallConn()
	if err != nil {
		return
	}
	r := reader{raw: raw}
	take := r.take
	for raw.Read(take) == nil {
		if r.err == nil { // else nobody listens there; the client may try again
			up.SetReadDeadline(time.Now().Add(datagramIdle))
			_, _ = c.WriteToUDPAddrPort(r.buffer[:r.n], to)
		}
		r.giveBack()
	}
}
