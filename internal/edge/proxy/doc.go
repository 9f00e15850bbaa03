// Package proxy is the layer 7 data plane: it accepts connections of load balancer listeners, matches requests against
// rules, picks targets and carries HTTP between the two.
//
//	accept ─▶ read head ─▶ table loaded once ─▶ rule ─▶ weighted group ─▶ target ─▶ ticket ─▶ exchange ─▶ counters
//	             ▲                                                                              │
//	             └──────────────────────────── keep-alive ◀─────────────────────────────────────┘
//
// Everything a request can see hangs off one atomic pointer to an immutable table; health and configuration writers replace
// what they change. A request holds a ticket of its target from before it looks at the target's draining flag until the
// last octet, so a target whose flag is set and whose tickets are all back is drained, without any grace period.
//
// Each connection has one goroutine, which owns its buffers only while a request is under way. Timeouts are kept by one
// sweeper (see socket) instead of a timer per operation. The runtime's poller is told only of connections that somebody has to
// wait for (see guest).
//
// A client that agrees on HTTP/2 gets a session, and each of its requests a stream with a goroutine: the same head, the same
// decision, and an exchange of its own with the target, by HTTP/1.1 or, where the target group says so, by HTTP/2.
package proxy
