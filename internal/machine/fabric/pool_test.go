package fabric

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestChoosePool(t *testing.T) {
	const instance = "0123abcd"
	first, err := choosePool(instance, nil)
	check(t, err)
	again, err := choosePool(instance, []netip.Prefix{{}, anywhere, prefix("198.0.0.0/8"), prefix("10.0.0.0/8")})
	check(t, err)
	expect(t, "pool beside unrelated routes", again, first)
	for _, taken := range []netip.Prefix{first, netip.PrefixFrom(first.Addr(), 32), netip.PrefixFrom(first.Addr(), 18).Masked()} {
		other, err := choosePool(instance, []netip.Prefix{taken})
		check(t, err)
		if other.Overlaps(taken) {
			t.Errorf("pool %s overlaps %s", other, taken)
		}
	}
	if p, err := choosePool(instance, []netip.Prefix{publicRange}); err == nil {
		t.Errorf("pool %s although all is taken", p)
	}
}

// As many platforms as there are blocks find one each.
func TestChoosePoolFillsTheRange(t *testing.T) {
	var taken []netip.Prefix
	for i := range 1 << (poolBits - publicRange.Bits()) {
		p, err := choosePool(fmt.Sprintf("%08x", i*7919), taken)
		check(t, err)
		if !publicRange.Overlaps(p) || p.Bits() != poolBits {
			t.Fatalf("pool %s is not in %s", p, publicRange)
		}
		taken = append(taken, p)
	}
	if p, err := choosePool("ffffffff", taken); err == nil {
		t.Errorf("pool %s although all are taken", p)
	}
}
