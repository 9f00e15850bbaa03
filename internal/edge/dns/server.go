package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
)

// Config is what a Server needs.
type Config struct {
	Opener    *netns.Opener
	Log       *slog.Logger
	Changed   func() // Sockets might answer differently
	Resolvers string // the host's resolver file; empty: /etc/resolv.conf
}

// Server answers in all zones.
type Server struct {
	opener  *netns.Opener
	log     *slog.Logger
	changed func()
	forward *forwarder
	ctx     context.Context // of queries; done when Run ends
	cancel  context.CancelFunc
	missing retry.Signal // a socket could not be opened at once

	mu    sync.Mutex
	zones map[string]*zone // by VPC
}

// zone is one VPC's DNS.
type zone struct {
	server    *Server
	vpc, path string
	port      uint16
	names     atomic.Pointer[names]

	// Guarded by Server.mu.
	namespace *netns.Mount
	sockets   map[netip.Addr]*socket
}

// socket is one address answered at, over UDP and TCP.
type socket struct {
	zone     *zone
	address  netip.AddrPort
	udp, tcp *dns.Server
	problem  error
}

// New makes a Server that answers nothing until Apply and Run.
func New(c Config) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		opener: c.Opener, log: c.Log, changed: c.Changed, forward: newForwarder(cmp.Or(c.Resolvers, "/etc/resolv.conf")),
		ctx: ctx, cancel: cancel, missing: retry.NewSignal(), zones: map[string]*zone{},
	}
}

// Run looks after the sockets until ctx is done, then closes them.
func (s *Server) Run(ctx context.Context) error {
	retry.Keep(ctx, s.missing, func() bool {
		s.mu.Lock()
		complete, changed := s.ensure()
		s.mu.Unlock()
		if changed {
			s.changed()
		}
		return complete
	})
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, z := range s.zones {
		z.close()
	}
	return nil
}

// Apply makes zones what is answered from now on. Sockets whose zone and address stay are kept open.
func (s *Server) Apply(zones []edgeapi.Zone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := make(map[string]*zone, len(zones))
	for i := range zones {
		in := &zones[i]
		port := uint16(cmp.Or(in.Port, 53))
		z := s.zones[in.VPC]
		if z == nil || z.path != in.Namespace || z.port != port {
			z = &zone{
				server: s, vpc: in.VPC, path: in.Namespace, port: port,
				namespace: s.opener.Mount(in.Namespace), sockets: map[netip.Addr]*socket{},
			}
		}
		z.names.Store(compile(in))
		for _, a := range in.Listen {
			if z.sockets[a] == nil {
				z.sockets[a] = &socket{zone: z, address: netip.AddrPortFrom(a, port)}
			}
		}
		for a, k := range z.sockets {
			if !slices.Contains(in.Listen, a) {
				k.close()
				delete(z.sockets, a)
			}
		}
		next[in.VPC] = z
	}
	for vpc, z := range s.zones {
		if next[vpc] != z {
			z.close()
		}
	}
	s.zones = next
	if complete, _ := s.ensure(); !complete {
		s.missing.Raise()
	}
}

// ensure opens what is missing. It reports whether all is open and whether anything's state changed. Server.mu is held.
func (s *Server) ensure() (complete, changed bool) {
	complete = true
	if s.ctx.Err() != nil {
		return complete, false
	}
	for _, z := range s.zones {
		all, some := z.ensure()
		complete, changed = complete && all, changed || some
	}
	return complete, changed
}

func (z *zone) ensure() (complete, changed bool) {
	complete, changed = z.namespace.Ensure(z.shut)
	if !complete {
		return false, changed
	}
	for _, k := range z.sockets {
		if k.udp != nil {
			continue
		}
		err := k.open()
		complete = complete && err == nil
		changed = changed || retry.News(k.problem, err)
		k.problem = err
	}
	return complete, changed
}

func (z *zone) close() {
	z.namespace.Close()
	z.shut()
}

// shut closes the sockets.
func (z *zone) shut() {
	for _, k := range z.sockets {
		k.close()
	}
}

func (k *socket) open() error {
	ns, err := k.zone.namespace.Namespace()
	if err != nil {
		return err
	}
	udp, err := ns.ListenUDP(k.address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", k.address, err)
	}
	tcp, err := ns.ListenTCP(k.address)
	if err != nil {
		udp.Close()
		return fmt.Errorf("listen on %s: %w", k.address, err)
	}
	k.udp = &dns.Server{PacketConn: udp, Handler: k.zone}
	k.tcp = &dns.Server{Listener: tcp, Handler: k.zone, MaxTCPQueries: 1024}
	for _, server := range []*dns.Server{k.udp, k.tcp} {
		ready := make(chan struct{})
		server.NotifyStartedFunc = func() { close(ready) }
		go func() {
			if err := server.ActivateAndServe(); err != nil && k.zone.server.ctx.Err() == nil {
				k.zone.server.log.Debug("dns socket ended", "vpc", k.zone.vpc, "address", k.address, "err", err)
			}
		}()
		<-ready
	}
	return nil
}

func (k *socket) close() {
	if k.udp == nil {
		return
	}
	// Answers of our own are given in no time; those of resolvers are not worth waiting for.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for _, server := range []*dns.Server{k.udp, k.tcp} {
		if err := server.ShutdownContext(ctx); err != nil {
			k.zone.server.log.Debug("dns answers given up", "vpc", k.zone.vpc, "address", k.address, "err", err)
		}
	}
	k.udp, k.tcp = nil, nil
}

// ServeDNS answers one query; it implements dns.Handler.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := z.answer(z.server.ctx, q)
	size := dns.MaxMsgSize
	if w.LocalAddr().Network() == "udp" {
		size = dns.MinMsgSize
	}
	if o := q.IsEdns0(); o != nil {
		if size == dns.MinMsgSize {
			size = max(size, int(min(o.UDPSize(), 4096)))
		}
		if m.IsEdns0() == nil {
			m.SetEdns0(1232, o.Do())
		}
	}
	m.Truncate(size)
	if err := w.WriteMsg(m); err != nil {
		z.server.log.Debug("dns answer not sent", "vpc", z.vpc, "to", w.RemoteAddr(), "err", err)
	}
}

// Sockets reports on every address there should be an answer at.
func (s *Server) Sockets() []edgeapi.SocketStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, z := range s.zones {
		for _, k := range z.sockets {
			st := edgeapi.SocketStatus{ID: z.vpc, Address: k.address.String(), Open: k.udp != nil}
			if err := errors.Join(z.namespace.Problem(), k.problem); err != nil && !st.Open {
				st.Error = err.Error()
			}
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b edgeapi.SocketStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return out
}
