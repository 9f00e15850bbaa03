// Package fabric is the Linux data plane of the network: it implements network.Fabric with network namespaces, routed veth
// pairs, policy routing and nftables. It runs no process and keeps no state of its own; what it has built stays in the kernel
// when the control plane dies, and a new Fabric reads it back before it changes anything.
//
//	 machine's own namespace                VPC: namespace ng-<instance>-vpc-…            ENI: namespace ng-<instance>-eni-…
//	┌───────────────────────────┐          ┌─────────────────────────────────────┐       ┌───────────────────────────┐
//	│ lo            host address│          │ lo       gateways, resolver,        │       │ lo                        │
//	│ the public pool           │          │          169.254.169.253, …         │       │                           │
//	│ ng<instance>…  ───────────┼── veth ──┼─ uplink                             │       │ eth0  address/32          │
//	│ route per public address  │          │ e…  ────────────────────────────────┼─ veth ┼─      default via gateway │
//	│ table neargate-<instance> │          │ table neargate, route table/subnet  │       │                           │
//	└───────────────────────────┘          └─────────────────────────────────────┘       └───────────────────────────┘
//
// # A packet's way
//
//	prerouting   source   the pair (link, source address) must be bound, else dropped; it yields the packet's mark, which is the subnet's route table
//	             return   new, from a load balancer's link: its connection is marked; an answer of a marked one: its mark leads back to that link
//	             publish  from the uplink: public destination → private (internet gateway, inbound)
//	routing               mark → the subnet's table: local destinations are thrown to the main table, which has a /32 for each ENI
//	forward      egress   established, or the sender's groups admit it
//	             ingress  established, or the receiver's groups admit it, or it leaves by a NAT gateway, or its sender has a public address
//	postrouting  leave    towards the uplink: private source → public (internet gateway), or → the NAT gateway's address
//
// Which gateway a route leads to is told by the route's next hop: internetHop for the internet gateway, the Elastic IP itself for a NAT
// gateway. So nftables needs no copy of the route tables: `snat to rt nexthop`.
//
// A network load balancer's interface is transparent: it may send under its clients' addresses, and what answers such a packet is routed back to
// it instead of to the client, by the connection's mark and a table of one route. In its namespace all that comes in is delivered locally. Rules
// that name a group of the load balancer admit what comes from its link, whatever the source.
//
// An interface that routes for others shows their packets to the VPC's router twice. That is well if it translates their source, as NAT
// instances do, or if both directions pass it; not if replies take a shorter way, because one table of connections sees all.
//
// # Cost
//
// An ENI is known to nftables by its link's index in three maps; the jumps to its groups stand in a profile, a pair of chains
// shared by all ENIs with the same groups. So adding an ENI changes only elements of maps. That matters because the kernel
// validates the whole graph of chains of a table whenever a jump is added. A member of a group is one element of a set.
package fabric
