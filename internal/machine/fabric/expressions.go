package fabric

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The vocabulary of our rules, in nft's words. Register 1 holds what was loaded last; 4-byte registers 8… hold concatenations.

const (
	offsetSource      = 12
	offsetDestination = 16
	reg               = 1
	scratch           = 2
	regLow            = unix.NFT_REG32_00     // the first four bytes of register 1
	regHigh           = unix.NFT_REG32_00 + 1 // the next four
)

func meta(key expr.MetaKey, register uint32) expr.Any {
	return &expr.Meta{Key: key, Register: register}
}

func ipField(offset, register uint32) expr.Any {
	return &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4}
}

func transportField(offset, length uint32) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: length}
}

func equal(data []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data}
}

func unequal(data []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: data}
}

func bit(mask uint32) []expr.Any {
	return []expr.Any{
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: number(mask), Xor: number(0)},
		unequal(number(0)),
	}
}

// from and to match the name of the link by which a packet came and will leave.
func from(link string) []expr.Any {
	return []expr.Any{meta(expr.MetaKeyIIFNAME, reg), equal(linkName(link))}
}

func to(link string) []expr.Any {
	return []expr.Any{meta(expr.MetaKeyOIFNAME, reg), equal(linkName(link))}
}

func connection(states uint32) []expr.Any {
	return append([]expr.Any{&expr.Ct{Register: reg, Key: expr.CtKeySTATE}}, bit(states)...)
}

// published matches connections whose destination the internet gateway translated.
func published() []expr.Any {
	const destinationTranslated = 1 << 5 // IPS_DST_NAT
	return append([]expr.Any{&expr.Ct{Register: reg, Key: expr.CtKeySTATUS}}, bit(destinationTranslated)...)
}

func nextHop() expr.Any { return &expr.Rt{Register: reg, Key: expr.RtNexthop4} }

// contained matches if register 1 holds an element of the set.
func contained(s *nftables.Set) expr.Any {
	return &expr.Lookup{SourceRegister: reg, SetName: s.Name, SetID: s.ID}
}

// mapped replaces what register 1 holds by what the map says about it, and does not match if the map says nothing.
func mapped(s *nftables.Set, register uint32) expr.Any {
	return &expr.Lookup{SourceRegister: reg, DestRegister: register, IsDestRegSet: true, SetName: s.Name, SetID: s.ID}
}

func decided(s *nftables.Set) expr.Any { return mapped(s, unix.NFT_REG_VERDICT) }

func verdict(k expr.VerdictKind) expr.Any { return &expr.Verdict{Kind: k} }

func jump(chain string) expr.Any { return &expr.Verdict{Kind: expr.VerdictJump, Chain: chain} }

func gotoChain(chain string) *expr.Verdict {
	return &expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}
}

func translate(kind expr.NATType) expr.Any {
	return &expr.NAT{Type: kind, Family: unix.NFPROTO_IPV4, RegAddrMin: reg}
}

func exprs(parts ...any) []expr.Any {
	var all []expr.Any
	for _, p := range parts {
		switch p := p.(type) {
		case expr.Any:
			all = append(all, p)
		case []expr.Any:
			all = append(all, p...)
		}
	}
	return all
}

func linkName(s string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, s)
	return b
}

func number(n uint32) []byte { return binaryutil.NativeEndian.PutUint32(n) }

func readNumber(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }

func address(a netip.Addr) []byte { return a.AsSlice() }

func readAddress(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// setIDs numbers sets; a number must be unique only within a transaction, but the library's own counter is not safe for use by two VPCs at once.
var setIDs atomic.Uint32

func newSet(s nftables.Set) *nftables.Set {
	s.ID = setIDs.Add(1)
	return &s
}
