package proxy

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/rules"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// table is everything requests look at, of one generation. It is immutable but for pool.eligible.
type table struct {
	generation uint64
	listeners  []*listener // by server.slot; nil where the server is gone
	groups     map[string]*group
	sealer     *sealer
}

// listener is what a request needs to know about the listener it came in by, at one node.
type listener struct {
	arn        string
	port       int
	protocol   string
	tls        *tlsterm.Server     // nil without TLS
	mutual     *edgeapi.MutualAuth // nil without mutual TLS
	node       *node
	settings   edgeapi.Attributes
	attributes edgeapi.ListenerAttributes
	rules      rules.List
	actions    []action // by rule

	counters    *listenerCounters
	connections *accesslog.Log // nil: connections are not logged
	log         *accesslog.Log // of requests, likewise
	balancer    string         // the load balancer's name in the log
	dnsName     []byte         // likewise its host

	forwarded []byte // the X-Forwarded-Proto and -Port lines
	hostPort  string // what a Host without port gets appended
	setFields []byte // the lines of attributes.ResponseHeaders
	site      string // attributes of cookies sent with requests from other sites
	drop      uint32 // bit set of http1.Kind never copied from requests
}

// action is what a rule does; one of forward, redirect and fixed is set.
type action struct {
	rule       *ruleCounter
	priority   int
	transforms rules.Transforms // of forwarded requests
	forward    *forward
	redirect   *edgeapi.Redirect
	fixed      *fixed
}

// neverForwarded are the kinds of request fields that end here or are written anew.
const neverForwarded = 1<<http1.ContentLength | 1<<http1.TransferEncoding | 1<<http1.Connection | 1<<http1.KeepAlive |
	1<<http1.ProxyConnection | 1<<http1.TE | 1<<http1.Trailer | 1<<http1.Upgrade | 1<<http1.ForwardedProto |
	1<<http1.ForwardedPort | 1<<http1.TraceID | 1<<http1.MutualTLS | 1<<http1.Lookalike

func (e *Engine) newListener(lb *edgeapi.LoadBalancer, l *edgeapi.Listener, n *node, groups map[string]*group) *listener {
	port := strconv.Itoa(l.Port)
	out := &listener{
		arn: l.ARN, port: l.Port, protocol: l.Protocol, node: n, settings: lb.Attributes, attributes: l.Attributes,
		rules:     rules.Compile(l.Rules),
		counters:  e.ledger.listener(lb.ARN, l.ARN, n.AvailabilityZone),
		forwarded: []byte("X-Forwarded-Proto: " + strings.ToLower(l.Protocol) + "\r\nX-Forwarded-Port: " + port + "\r\n"),
		site:      anySite,
		drop:      neverForwarded,
	}
	if l.Protocol == edgeapi.ProtocolHTTPS {
		out.site = anySiteSecure
	}
	if lb.Attributes.AccessLog {
		out.log, out.balancer, out.dnsName = e.openLog(edgeapi.LogAccess, lb.ARN, n), logName(lb.ARN), []byte(lb.DNSName)
	}
	if lb.Attributes.ForwardedFor != edgeapi.ForwardedForPreserve {
		out.drop |= 1 << http1.ForwardedFor
	}
	usual := 80
	if l.TLS != nil {
		out.tls, out.mutual = e.tls.Of(l.ARN), l.TLS.Mutual
		usual = 443
	}
	if lb.Attributes.ConnectionLog {
		out.connections, out.balancer = e.openLog(edgeapi.LogConnection, lb.ARN, n), logName(lb.ARN)
	}
	if lb.Attributes.TLSHeaders {
		out.drop |= 1 << http1.TLSInfo
	}
	// "the Host: www.amazon.com header is modified to Host: www.amazon.com:8443", unless preserve_host_header.enabled.
	if !lb.Attributes.PreserveHost && l.Port != usual {
		out.hostPort = ":" + port
	}
	for _, h := range l.Attributes.ResponseHeaders {
		out.setFields = append(out.setFields, h.Name+": "+h.Value+"\r\n"...)
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		a := action{rule: e.ledger.rule(l.ARN, r.ARN), priority: r.Priority, redirect: r.Action.Redirect, transforms: rules.CompileTransforms(r.Transforms)}
		if f := r.Action.Forward; f != nil {
			a.forward = newForward(f, r.ARN, n, lb.Attributes.CrossZone, groups)
		}
		if f := r.Action.FixedResponse; f != nil {
			a.fixed = newFixed(f)
		}
		out.actions = append(out.actions, a)
	}
	return out
}

// openLog returns a log of a node, nil if there can be none.
func (e *Engine) openLog(kind, balancer string, n *node) *accesslog.Log {
	l, err := e.logs.Log(kind, balancer, n.Address)
	if err != nil {
		e.log.Error("log of load balancer", "balancer", balancer, "kind", kind, "err", err)
	}
	return l
}

// sets reports whether the listener writes the response field called name itself.
func (l *listener) sets(name []byte) bool {
	for _, h := range l.attributes.ResponseHeaders {
		if len(h.Name) == len(name) && equalFold(name, h.Name) {
			return true
		}
	}
	return false
}
