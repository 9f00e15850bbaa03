// Package http2 is the server's side of HTTP/2 (RFC 9113) for the layer 7 data plane.
//
//	client ─▶ frames ─▶ header block ─▶ head in the form of HTTP/1.1 ─▶ Config.Serve, a goroutine per stream
//	client ◀─ one write for what many streams have to say ◀─ Stream.Send ◀──────┘
//
// One goroutine reads a connection, and one more exists while there is something to write. Requests are handed on as HTTP/1.1
// heads, so that one parser, one set of limits and one set of rules serve both protocols; whatever could read differently in
// the one than in the other is refused before (see head).
//
// All memory a client can claim is bounded: a head is limited, a body is buffered only as far as the flow-control windows
// reach, and frames that cost us more than the client are counted (see budget).
package http2
