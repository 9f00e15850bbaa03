// Package balance knows load balancers as data: Application and Network Load Balancers and their nodes, listeners with their TLS, rules,
// trust stores, target groups, the targets registered in them and the health that was observed. It moves no packet and knows no wire format.
//
// The Elastic Load Balancing front and deploy write what is wanted, inside their own transactions; publish turns the rows into
// edge's snapshot and hands back what edge observes; Loop takes load balancers and deregistering targets to their ends.
//
//	Register ─▶ Target ─▶ snapshot ─▶ edge probes ─▶ Observe ─▶ Health ─▶ deploy, DescribeTargetHealth
//	Deregister ─▶ Target.DrainUntil ─▶ snapshot ─▶ edge drains ─▶ Observe(drained) or the deadline ─▶ target gone
package balance
