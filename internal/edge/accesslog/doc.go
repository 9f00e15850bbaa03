// Package accesslog writes what Elastic Load Balancing calls access logs and connection logs, one line per request or
// connection, into files of edge's own: the control plane delivers them to their bucket.
//
//	proxy, l4 ── Log.Write(entry) ──▶ buffer of the node ──▶ NAME.open ── interval over, or full ──▶ NAME.log ──▶ control plane
//
// Nothing here makes a request wait. A buffer that its file cannot take, and a directory that nobody empties, cost lines, not
// memory or disk: they are counted and reported. A crash of edge costs the lines of the last second; files it left open are
// closed at the next start, up to their last whole line. AWS delivers logs on a best-effort basis as well.
package accesslog
