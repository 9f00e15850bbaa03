// Package door makes internet-facing load balancers reachable from the machine itself under their DNS names, which end in
// .localhost and so lead to 127.0.0.1 without any file being edited.
//
// The door at 127.0.0.1:port is shared by all load balancers with a listener on that port and told apart by the Host of a
// connection's first request or, with TLS, by the server name in its hello: that is a load balancer's DNS name, or one that only its certificates
// have. The door at a load balancer's own loopback address needs no telling apart. Either way the
// connection is carried, octet for octet, to the load balancer's public address, through its security groups. A TCP listener that is alone on
// its port gets every connection there, since its clients may wait for the server to speak first; beside others it is told apart by what its
// clients happen to say, HTTP or TLS. Datagrams say nothing, so for UDP 127.0.0.1 is open only to a load balancer that is alone there.
package door
