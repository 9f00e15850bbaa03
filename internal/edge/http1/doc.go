// Package http1 reads HTTP/1.1 messages (RFC 9110, RFC 9112) in place and strictly, without allocating.
//
// It is the data plane's only opinion of where a message begins and ends, shared by listeners, targets, probes and doors.
// What it accepts it has understood completely: no bare line feeds, no folded lines, no whitespace before a colon, no
// second opinion about the length of a body. What Elastic Load Balancing calls ambiguous but allows is accepted and
// reported through Request.Tier, so that the proxy can normalise it and close both connections afterwards.
package http1
