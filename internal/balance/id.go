package balance

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// newID is the last part of an ARN: 16 hexadecimal digits.
func newID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// dnsName is a load balancer's name in the DNS, of the form AWS gives it under a domain that stays on this machine. A Network Load
// Balancer's ends in its id, an Application Load Balancer's in a number.
func (b *Balance) dnsName(tx *state.Tx, l *LoadBalancer) string {
	if l.Network() {
		return fmt.Sprintf("%s-%s.%s.%s", l.Name, l.ID, l.Region, Domain)
	}
	for {
		var r [4]byte
		rand.Read(r[:])
		n := fmt.Sprintf("%s-%d.%s.%s", l.Name, binary.BigEndian.Uint32(r[:]), l.Region, Domain)
		if l.Scheme == SchemeInternal {
			n = "internal-" + n
		}
		if none(b.LoadBalancers.By(tx, "dns", n)) {
			return n
		}
	}
}

// Domain is under which load balancers have their names. Resolvers answer names under localhost with the loopback address (RFC 6761),
// where the machine's own door to the load balancers is.
const Domain = "elb.localhost"

// loopback is an address of 127/8 that no other load balancer has.
func (b *Balance) loopback(tx *state.Tx) netip.Addr {
	for {
		var r [3]byte
		rand.Read(r[:])
		a := netip.AddrFrom4([4]byte{127, 16 + r[0]%224, r[1], 1 + r[2]%254})
		if none(b.LoadBalancers.By(tx, "loopback", a.String())) {
			return a
		}
	}
}

// none is whether a sequence is empty.
func none[T any](rows func(func(T) bool)) bool {
	for range rows {
		return false
	}
	return true
}
