package fabric

import (
	"net/netip"

	"github.com/google/nftables"
)

func element(key, value []byte) nftables.SetElement {
	return nftables.SetElement{Key: key, Val: value}
}

func linkKey(link int) []byte { return number(uint32(link)) }

func boundKey(link int, a netip.Addr) []byte { return append(linkKey(link), address(a)...) }
