// Package elbv2 is the Elastic Load Balancing API (version 2015-12-01) over the balance engine: it checks what clients send with AWS's
// codes and texts, turns it into the engine's nouns and shows those as AWS does. Application and Network Load Balancers exist; what asks
// for something else is refused by name.
//
// Whatever a request makes of a load balancer is put before Edge inside its transaction: what the data plane cannot do is answered with
// NotImplemented, and never committed.
package elbv2
