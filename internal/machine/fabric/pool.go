package fabric

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// publicRange is set aside for tests between networks (RFC 2544), so nobody routes it; all platforms of a machine share it.
var publicRange = netip.MustParsePrefix("198.18.0.0/15")

const poolBits = 20 // 4,096 public addresses a platform, 32 platforms a machine

// choosePool takes the block of publicRange that the instance's name leads to, or the next one that no route of the machine touches.
func choosePool(instance string, taken []netip.Prefix) (netip.Prefix, error) {
	blocks := uint32(1) << (poolBits - publicRange.Bits())
	first := crc32.ChecksumIEEE([]byte(instance))
	for i := range blocks {
		p := poolBlock((first + i) % blocks)
		if _, busy := overlapping(p, taken); !busy {
			return p, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no free block of public addresses in %s: %d platforms or foreign routes are there", publicRange, blocks)
}

func poolBlock(n uint32) netip.Prefix {
	base := publicRange.Addr().As4()
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(base[:])|n<<(32-poolBits))
	return netip.PrefixFrom(netip.AddrFrom4(b), poolBits)
}

// overlapping finds a route that has an address in common with p. A default route, or another one that covers all of publicRange
// and more, is no claim to p.
func overlapping(p netip.Prefix, routes []netip.Prefix) (netip.Prefix, bool) {
	for _, r := range routes {
		if r.Overlaps(p) && r.Bits() >= min(p.Bits(), publicRange.Bits()) {
			return r, true
		}
	}
	return netip.Prefix{}, false
}
