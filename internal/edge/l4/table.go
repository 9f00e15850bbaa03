package l4

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

const (
	defaultIdle = 350 * time.Second // of TCP and TLS listeners ("Connection idle timeout")
	udpIdle     = 120 * time.Second
)

// table is everything new flows look at, of one generation. It is immutable but for what health changes in groups.
type table struct {
	listeners []*listener // by server.slot; nil where the server is gone
	groups    map[string]*group
}

// listener is what a flow needs to know about the listener it came in by, at one node.
type listener struct {
	arn       string
	protocol  string
	idle      int64 // ticks
	shares    []share
	total     uint32
	sticky    bool // some group binds clients by their address, so the choice of a group must too
	tcp, udp  *flowCounters
	nodeLocal netip.AddrPort

	// Of TLS listeners.
	terminator         *tlsterm.Server
	targets            *tls.Config // of connections to targets of TLS groups
	log                *accesslog.Log
	balancerName, name string // as access logs have them
}

// share is a group's part of the listener's forward action.
type share struct {
	group  *group
	view   *view
	weight uint32
}

func (e *Engine) newListener(lb *edgeapi.LoadBalancer, l *edgeapi.Listener, n *node, zones []string, terminator *tlsterm.Server, groups map[string]*group) *listener {
	out := &listener{
		arn: l.ARN, protocol: l.Protocol, idle: ticks(defaultIdle), nodeLocal: netip.AddrPortFrom(n.Address, uint16(l.Port)),
	}
	if l.Attributes.TCPIdle > 0 {
		out.idle = ticks(l.Attributes.TCPIdle)
	}
	stream := edgeapi.ProtocolTCP
	if l.Protocol == edgeapi.ProtocolTLS {
		stream = edgeapi.ProtocolTLS
		e.secure(out, lb, l, n, terminator)
	}
	out.tcp = e.ledger.flow(lb.ARN, stream, n.AvailabilityZone)
	out.udp = e.ledger.flow(lb.ARN, edgeapi.ProtocolUDP, n.AvailabilityZone)
	for _, w := range l.Rules[len(l.Rules)-1].Action.Forward.Groups {
		g := groups[w.TargetGroup]
		cross := lb.Attributes.CrossZone
		if g.CrossZone != nil {
			cross = *g.CrossZone
		}
		reach := []string{n.AvailabilityZone}
		if cross {
			reach = zones
		}
		out.shares = append(out.shares, share{g, g.view(reach), uint32(w.Weight)})
		out.total += uint32(w.Weight)
		out.sticky = out.sticky || g.sticky
	}
	return out
}

// secure gives a listener what TLS needs.
func (e *Engine) secure(out *listener, lb *edgeapi.LoadBalancer, l *edgeapi.Listener, n *node, terminator *tlsterm.Server) {
	out.terminator = terminator
	out.targets = tlsterm.Client(tlsterm.TargetPolicy(lb))
	_, out.balancerName, _ = strings.Cut(lb.ARN, ":loadbalancer/")
	out.name = l.ARN[strings.LastIndex(l.ARN, "/")+1:]
	if !lb.Attributes.AccessLog {
		return
	}
	var err error
	if out.log, err = e.logs.Log(edgeapi.LogAccess, lb.ARN, n.Address); err != nil {
		e.log.Warn("connections are not logged", "balancer", lb.ARN, "err", err)
	}
}

// takesStreams and takesDatagrams tell what sockets a protocol needs.
func takesStreams(protocol string) bool { return protocol != edgeapi.ProtocolUDP }

func takesDatagrams(protocol string) bool {
	return protocol == edgeapi.ProtocolUDP || protocol == edgeapi.ProtocolTCPUDP
}

// choose picks group and target for a new flow and takes the target's ticket.
func (l *listener) choose(protocol byte, from netip.AddrPort, sequence uint32, not *target) (*group, *target) {
	if l.total == 0 {
		return nil, nil
	}
	h := flowHash(protocol, from, l.nodeLocal, sequence)
	s := &l.shares[0]
	if len(l.shares) > 1 {
		by := h >> 32
		if l.sticky {
			by = addressHash(from.Addr()) >> 32
		}
		r := uint32(by * uint64(l.total) >> 32)
		for i := range l.shares {
			s = &l.shares[i]
			if r < s.weight {
				break
			}
			r -= s.weight
		}
	}
	if s.group.sticky {
		h = addressHash(from.Addr())
	}
	return s.group, s.view.enter(h, s.group.sticky, not)
}

const (
	protocolTCP = unix.IPPROTO_TCP
	protocolUDP = unix.IPPROTO_UDP
)
