package door

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/retry"
)

// maxConnections is how many connections all doors together hold; more are closed at once. Each takes two files here and one at its load
// balancer's node, and as much must be left for those that come to nodes directly.
func maxConnections() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 1024
	}
	return max(int64(min(l.Cur, 1<<20))-512, 256) / 4
}

// Keeper keeps the doors of one process.
type Keeper struct {
	log     *slog.Logger
	changed func()
	dial    func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error)
	dialUDP func(to netip.AddrPort) (*net.UDPConn, error)
	ctx     context.Context // of connections; done when Run ends
	cancel  context.CancelFunc
	held    atomic.Int64
	most    int64 // that may be held
	serving sync.WaitGroup
	missing retry.Signal // a door could not be opened at once

	own        string        // file with this platform's names
	neighbours string        // pattern of the files of all platforms on this machine
	inbox      *net.UnixConn // where neighbours leave doors; nil: they cannot
	knownMu    sync.Mutex
	known      map[string]*neighbour // by path

	mu      sync.Mutex
	doors   map[netip.AddrPort]*door
	hatches map[netip.AddrPort]*hatch
}

// door is one listening socket.
type door struct {
	keeper   *Keeper
	address  netip.AddrPort
	rooms    atomic.Pointer[rooms]
	listener *net.TCPListener // guarded by Keeper.mu
	problem  error            // guarded by Keeper.mu
}

// rooms are the load balancers behind a door. It is immutable.
type rooms struct {
	all       []*room
	byHost    map[string]*room
	certified map[string][]*room // by names of certificates, which may have a wildcard as first label
}

type room struct {
	balancer string
	nameless bool // of TCP: clients need not tell whom they want, nor speak first
	public   []netip.AddrPort
	turn     atomic.Uint32
}

// Config is what a Keeper needs.
type Config struct {
	Log     *slog.Logger
	Changed func() // Sockets might answer differently

	// Names is where the names behind the shared doors are written down for other platforms on this machine, Neighbours
	// the pattern of all such files. Beside it is a socket, by which those platforms leave doors to this one. Empty: this platform is alone.
	Names, Neighbours string
}

// New makes a Keeper without doors. From now on other platforms may leave it some.
func New(c Config) *Keeper {
	in, err := openInbox(c.Names)
	if err != nil {
		c.Log.Warn("doors of other platforms will be taken over late", "err", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Keeper{
		log: c.Log, changed: c.Changed, dial: dial, dialUDP: dialUDP, ctx: ctx, cancel: cancel, missing: retry.NewSignal(),
		doors: map[netip.AddrPort]*door{}, hatches: map[netip.AddrPort]*hatch{},
		own: c.Names, neighbours: c.Neighbours, inbox: in, most: maxConnections(),
	}
}

func dial(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: 10 * time.Second}
	return d.DialTCP(ctx, "tcp4", netip.AddrPort{}, to)
}

// Run keeps doors open until ctx is done, then closes them, or leaves them to other platforms, and closes their connections.
func (k *Keeper) Run(ctx context.Context) error {
	if k.inbox != nil {
		k.serving.Go(k.inherit)
	}
	retry.Keep(ctx, k.missing, func() bool {
		k.mu.Lock()
		complete, changed := k.ensure()
		k.mu.Unlock()
		if changed {
			k.changed()
		}
		return complete
	})
	if k.inbox != nil {
		os.Remove(inbox(k.own))
		k.inbox.Close() // or those that end together with us would leave us what we cannot use
	}
	k.mu.Lock()
	for _, d := range k.doors {
		d.close()
	}
	for _, h := range k.hatches {
		h.close()
	}
	k.cancel() // after nothing is accepted any more: who still waits is the heir's
	k.mu.Unlock()
	k.serving.Wait()
	return publish(k.own, nil)
}

var shared = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Apply makes doors what is open from now on. certified are the names on the certificates of each load balancer, in lower case. Connections
// already carried stay.
func (k *Keeper) Apply(doors []edgeapi.Door, certified map[string][]string) {
	next := map[netip.AddrPort]*rooms{}
	enter := func(a netip.AddrPort, r *room) *rooms {
		if next[a] == nil {
			next[a] = &rooms{byHost: map[string]*room{}, certified: map[string][]*room{}}
		}
		next[a].all = append(next[a].all, r)
		return next[a]
	}
	hatches := map[netip.AddrPort][]*room{}
	for _, d := range doors {
		r := &room{balancer: d.LoadBalancer, nameless: d.Protocol == edgeapi.ProtocolTCP || d.Protocol == edgeapi.ProtocolTCPUDP}
		for _, a := range d.Public {
			r.public = append(r.public, netip.AddrPortFrom(a, uint16(d.Port)))
		}
		if d.Protocol == edgeapi.ProtocolUDP || d.Protocol == edgeapi.ProtocolTCPUDP {
			for _, a := range []netip.Addr{shared, d.Loopback} {
				if at := netip.AddrPortFrom(a, uint16(d.Port)); a.IsValid() {
					hatches[at] = append(hatches[at], r)
				}
			}
		}
		if d.Protocol == edgeapi.ProtocolUDP {
			continue
		}
		behind := enter(netip.AddrPortFrom(shared, uint16(d.Port)), r)
		for _, h := range d.Hosts {
			behind.byHost[strings.ToLower(h)] = r
		}
		for _, name := range certified[d.LoadBalancer] {
			if !strings.HasSuffix(name, domain) {
				behind.certified[name] = append(behind.certified[name], r)
			}
		}
		if d.Loopback.IsValid() {
			enter(netip.AddrPortFrom(d.Loopback, uint16(d.Port)), r)
		}
	}
	if err := publish(k.own, listed(next)); err != nil {
		k.log.Warn("other platforms do not learn this one's names", "err", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for a, d := range k.doors {
		if next[a] == nil {
			d.close()
			delete(k.doors, a)
		}
	}
	for a, r := range next {
		d := k.doors[a]
		if d == nil {
			d = &door{keeper: k, address: a}
			k.doors[a] = d
		}
		d.rooms.Store(r)
	}
	k.applyHatches(hatches)
	if complete, _ := k.ensure(); !complete {
		k.missing.Raise()
	}
}

// ensure opens the doors that are not. It reports whether all are open and whether any one's state changed. Keeper.mu is
// held.
func (k *Keeper) ensure() (complete, changed bool) {
	complete = true
	if k.ctx.Err() != nil {
		return complete, false
	}
	for _, d := range k.doors {
		if d.listener != nil {
			continue
		}
		err := d.open()
		if err != nil && d.problem == nil {
			k.log.Warn("door stays closed", "address", d.address, "err", err)
		}
		changed = changed || retry.News(d.problem, err)
		d.problem = err
		complete = complete && err == nil
	}
	for _, h := range k.hatches {
		if h.socket != nil {
			continue
		}
		err := h.open()
		if err != nil && h.problem == nil {
			k.log.Warn("door stays closed", "address", h.address, "protocol", edgeapi.ProtocolUDP, "err", err)
		}
		changed = changed || retry.News(h.problem, err)
		h.problem = err
		complete = complete && err == nil
	}
	return complete, changed
}

// applyHatches makes hatches what is open for datagrams. Those several load balancers would share stay closed: a datagram does not tell whom it is
// for. Keeper.mu is held.
func (k *Keeper) applyHatches(next map[netip.AddrPort][]*room) {
	for a, h := range k.hatches {
		if r := next[a]; len(r) != 1 || !r[0].same(h.room) {
			h.close()
			delete(k.hatches, a)
		}
	}
	for a, r := range next {
		if len(r) == 1 && k.hatches[a] == nil {
			k.hatches[a] = &hatch{keeper: k, address: a, room: r[0], flows: map[netip.AddrPort]*net.UDPConn{}}
		}
	}
}

// same reports whether two rooms are one for those who come by datagrams.
func (r *room) same(other *room) bool {
	return r.balancer == other.balancer && slices.Equal(r.public, other.public)
}

func (d *door) open() error {
	l, err := net.Listen("tcp4", d.address.String())
	if err != nil {
		return fmt.Errorf("listen on %s: %w", d.address, err)
	}
	d.begin(l.(*net.TCPListener))
	return nil
}

// begin accepts connections from a socket that listens.
func (d *door) begin(l *net.TCPListener) {
	d.listener = l
	d.keeper.serving.Go(func() { d.accept(l) })
}

func (d *door) close() {
	if d.listener != nil {
		d.keeper.bequeath(d)
		d.listener.Close()
		d.listener = nil
	}
}

func (d *door) accept(l net.Listener) {
	k := d.keeper
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			k.log.Warn("accept", "address", d.address, "err", err)
			select {
			case <-k.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		if k.held.Add(1) > k.most {
			k.held.Add(-1)
			c.Close()
			continue
		}
		k.serving.Go(func() {
			defer k.held.Add(-1)
			d.serve(c.(*net.TCPConn))
		})
	}
}

// Sockets reports on every door there should be.
func (k *Keeper) Sockets() []edgeapi.SocketStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, d := range k.doors {
		for _, r := range d.rooms.Load().all {
			st := edgeapi.SocketStatus{ID: r.balancer, Address: d.address.String(), Open: d.listener != nil}
			if d.problem != nil && !st.Open {
				st.Error = d.problem.Error()
			}
			out = append(out, st)
		}
	}
	for _, h := range k.hatches {
		st := edgeapi.SocketStatus{ID: h.room.balancer, Address: h.address.String() + "/udp", Open: h.socket != nil}
		if h.problem != nil && !st.Open {
			st.Error = h.problem.Error()
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b edgeapi.SocketStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return out
}
