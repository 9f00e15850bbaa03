// Package l4 is the layer 4 data plane: it carries the TCP connections and UDP flows of Network Load Balancers between clients and targets.
//
//	accept ─▶ table loaded once ─▶ weighted group ─▶ flow hash ─▶ target ─▶ ticket ─▶ dial ─▶ octets both ways ─▶ counters
//
// It knows what package proxy knows (nodes, listeners, groups, targets with tickets, one atomic pointer to an immutable table) but
// works otherwise, because there is nothing to parse and a connection is worth few microseconds: a fixed number of loops share all
// flows. A loop is one goroutine with an epoll instance of its own, which hangs in the runtime's poller like any other file, so a
// loop that has nothing to do costs no thread. A flow belongs to one loop for ever and needs no lock; what others want of it, such as the
// end of all flows of a target, they ask its loop for.
//
// Few octets are read and written at once; where many come they move through a pipe inside the kernel. An idle flow holds two sockets and no
// buffer.
//
// With client IP preservation the socket towards the target is bound to the client's own address and port (IP_TRANSPARENT). That the
// answers find back to it is the network's business: the VPC's router sends them to the interface the connection came from, whatever
// their destination. See package fabric.
package l4
