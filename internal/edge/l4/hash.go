package l4

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"strconv"
)

// mix spreads a number over all bits (the finaliser of splitmix64). Hashes are the same in every process, so that a client with source_ip
// stickiness finds its target again after a restart.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// flowHash stands for the flow hash of "What is a Network Load Balancer?": protocol, both addresses and both ports, and for TCP the sequence
// number, which a socket does not tell: any number that differs from connection to connection does as well.
func flowHash(protocol byte, from, to netip.AddrPort, sequence uint32) uint64 {
	h := mix(uint64(protocol)<<32 | uint64(sequence))
	h = mix(h ^ number(from))
	return mix(h ^ number(to)<<1)
}

// addressHash is what source_ip stickiness goes by.
func addressHash(a netip.Addr) uint64 {
	return mix(number(netip.AddrPortFrom(a, 0)) ^ 0x9e3779b97f4a7c15)
}

// number is an IPv4 address and port as one number.
func number(a netip.AddrPort) uint64 {
	four := a.Addr().As4()
	return uint64(binary.BigEndian.Uint32(four[:]))<<16 | uint64(a.Port())
}

// nameHash tells targets apart in rendezvous.
func nameHash(id string, port int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id + ":" + strconv.Itoa(port)))
	return h.Sum64()
}

// rendezvous finds the target a client sticks to. When targets come or go only the clients change that must.
func rendezvous(targets []*target, h uint64) int {
	best, most := 0, uint64(0)
	for i, t := range targets {
		if w := mix(h ^ t.name); w >= most {
			best, most = i, w
		}
	}
	return best
}
