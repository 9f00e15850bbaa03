package network

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// pool is a range of IPv4 addresses that are handed out one by one: a subnet, or the platform's public addresses.
//
// Which are taken follows from the rows that hold them, so it is kept in volatile tables: it takes part in transactions, an aborted
// one takes nothing, and a restart counts anew. Addresses are kept in blocks of 256, so that taking one touches a
// block and a count, whatever the size of the pool.
type pool struct {
	id         string
	prefix     netip.Prefix
	head, tail uint32 // addresses at either end that are never handed out
}

// block is the use of 256 consecutive addresses of a pool.
type block struct {
	Pool  string
	Index uint32
	Used  int
	Bits  [4]uint64
}

func (b *block) key() string { return blockKey(b.Pool, b.Index) }

func blockKey(pool string, index uint32) string { return fmt.Sprintf("%s/%06x", pool, index) }

// usage is the use of a whole pool.
type usage struct {
	Pool string
	Used int
	Next uint32 // where the search for a free address begins: an address that was just given back is the last to be taken again
}

// subnetPool is the pool of a subnet. AWS keeps the first four addresses and the last
// (VPC User Guide, "Subnet CIDR blocks": network, router, DNS, future use, broadcast).
func subnetPool(s *Subnet) pool { return pool{id: s.ID, prefix: s.CIDR, head: 4, tail: 1} }

// publicPool is the pool of public addresses. Its first address is the host's end of the uplinks.
func publicPool(p netip.Prefix) pool { return pool{id: "public", prefix: p, head: 2, tail: 1} }

func (p pool) size() uint32 { return 1 << (32 - p.prefix.Bits()) }

// capacity is how many addresses can be in use at once.
func (p pool) capacity() int {
	if p.size() <= p.head+p.tail {
		return 0
	}
	return int(p.size() - p.head - p.tail)
}

func (p pool) contains(a netip.Addr) bool { return a.Is4() && p.prefix.Contains(a) }

func (p pool) reserved(a netip.Addr) bool {
	o := p.offset(a)
	return o < p.head || o >= p.size()-p.tail
}

func (p pool) offset(a netip.Addr) uint32 { return number(a) - number(p.prefix.Addr()) }

func (p pool) address(offset uint32) netip.Addr { return address(number(p.prefix.Addr()) + offset) }

// free is how many addresses can still be taken.
func (t *Tables) free(tx *state.Tx, p pool) int {
	u, ok := t.usages.Get(tx, p.id)
	if !ok {
		return p.capacity()
	}
	return p.capacity() - u.Used
}

// taken says whether an address of the pool is in use.
func (t *Tables) taken(tx *state.Tx, p pool, a netip.Addr) bool {
	o := p.offset(a)
	b, ok := t.blocks.Get(tx, blockKey(p.id, o/256))
	return ok && b.Bits[o%256/64]&(1<<(o%64)) != 0
}

// take hands out the next free address after the one handed out last; false when there is none.
func (t *Tables) take(tx *state.Tx, p pool) (netip.Addr, bool) {
	if t.free(tx, p) <= 0 {
		return netip.Addr{}, false
	}
	first, end := p.head, p.size()-p.tail
	from := first
	if u, ok := t.usages.Get(tx, p.id); ok && u.Next > first && u.Next < end {
		from = u.Next
	}
	o, ok := t.search(tx, p, from, end)
	if !ok {
		o, ok = t.search(tx, p, first, from)
	}
	if !ok {
		return netip.Addr{}, false
	}
	t.mark(tx, p, o)
	return p.address(o), true
}

// claim takes a given address, which is in the pool and not in use.
func (t *Tables) claim(tx *state.Tx, p pool, a netip.Addr) { t.mark(tx, p, p.offset(a)) }

// search returns the first free offset in [from, end).
func (t *Tables) search(tx *state.Tx, p pool, from, end uint32) (uint32, bool) {
	for o := from; o < end; {
		b, ok := t.blocks.Get(tx, blockKey(p.id, o/256))
		if !ok {
			return o, true
		}
		if b.Used == 256 {
			o = o/256*256 + 256
			continue
		}
		// The word's free bits from o on; a word without any leads to the next one.
		free := ^b.Bits[o%256/64] &^ (1<<(o%64) - 1)
		if free == 0 {
			o = o/64*64 + 64
			continue
		}
		o = o/64*64 + uint32(bits.TrailingZeros64(free))
		return o, o < end
	}
	return 0, false
}

func (t *Tables) mark(tx *state.Tx, p pool, o uint32) {
	b := block{Pool: p.id, Index: o / 256}
	if old, ok := t.blocks.Get(tx, b.key()); ok {
		b = *old
	}
	bit := uint64(1) << (o % 64)
	if b.Bits[o%256/64]&bit != 0 {
		return
	}
	b.Bits[o%256/64] |= bit
	b.Used++
	t.blocks.Put(tx, &b)

	u := usage{Pool: p.id}
	if old, ok := t.usages.Get(tx, p.id); ok {
		u = *old
	}
	u.Used++
	u.Next = o + 1
	t.usages.Put(tx, &u)
}

// release gives an address back.
func (t *Tables) release(tx *state.Tx, p pool, a netip.Addr) {
	o := p.offset(a)
	old, ok := t.blocks.Get(tx, blockKey(p.id, o/256))
	bit := uint64(1) << (o % 64)
	if !ok || old.Bits[o%256/64]&bit == 0 {
		return
	}
	b := *old
	b.Bits[o%256/64] &^= bit
	b.Used--
	if b.Used == 0 {
		t.blocks.Delete(tx, b.key())
	} else {
		t.blocks.Put(tx, &b)
	}
	if old, ok := t.usages.Get(tx, p.id); ok {
		u := *old
		u.Used--
		t.usages.Put(tx, &u)
	}
}

// forget drops the books of a pool that is deleted.
func (t *Tables) forget(tx *state.Tx, p pool) {
	for b := range t.blocks.All(tx, p.id+"/") {
		t.blocks.Delete(tx, b.key())
	}
	t.usages.Delete(tx, p.id)
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func address(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}
