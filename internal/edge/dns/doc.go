// Package dns answers the name queries of VPCs, at the addresses where the Amazon-provided DNS server answers on AWS: the
// VPC's base address plus two, and 169.254.169.253.
//
//	query ─▶ a record of the VPC's zone? ─▶ answer
//	      ─▶ at or under an own domain?  ─▶ NXDOMAIN
//	      ─▶ a private reverse zone?     ─▶ NXDOMAIN
//	      ─▶ otherwise                   ─▶ cache ─▶ the host's resolvers, asked from the host's namespace
package dns
