// Package tlsterm is the TLS of listeners and of connections to targets: security policies made real, certificates chosen by server
// name, tickets, client certificates. It knows neither HTTP nor flows: proxy and l4 give it connections and get TLS ones back.
//
//	snapshot ─▶ Servers.Load ─▶ one Server per listener ─▶ Handshake(conn) ─▶ *tls.Conn, Session (for headers, logs, counters)
package tlsterm
