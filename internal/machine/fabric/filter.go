package fabric

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"github.com/vishvananda/netns"

	"github.com/neargate/neargate/internal/network"
)

// filter is a VPC's nftables table: what is applied, and the socket to change it. The model is changed as messages are queued; flush makes the
// kernel follow in one transaction. When that fails nobody knows what is applied, and the filter must be opened anew. Not safe for concurrent use.
type filter struct {
	conn *nftables.Conn
	err  error // first error while queueing

	groups   map[string]*group
	profiles map[string]*profile // by profileKey
	last     uint32              // highest profile number
	deleted  map[string]bool     // groups to remove as soon as nobody names them
	bindings map[int]binding     // by link index

	publicIn  map[netip.Addr]netip.Addr
	publicOut map[netip.Addr]netip.Addr
	services  map[netip.Addr]bool
	local     []addressRange
}

// binding is what the table knows about an ENI.
type binding struct {
	address netip.Addr // zero if not checked
	subnet  uint32     // table number, see tableOf
	profile uint32
	checked bool
	own     netip.Addr // of a transparent ENI; zero for others
}

// bufferSize lets the kernel answer a transaction of thousands of messages before the first answer is read.
const bufferSize = 16 << 20

func dialFilter(ns netns.NsHandle) (c *nftables.Conn, err error) {
	err = inNamespace(ns, func() error {
		c, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
			return errors.Join(c.SetWriteBuffer(bufferSize), c.SetReadBuffer(bufferSize))
		}))
		return err
	})
	return c, err
}

func newFilter(conn *nftables.Conn) *filter {
	return &filter{
		conn:      conn,
		groups:    map[string]*group{},
		deleted:   map[string]bool{},
		profiles:  map[string]*profile{},
		bindings:  map[int]binding{},
		publicIn:  map[netip.Addr]netip.Addr{},
		publicOut: map[netip.Addr]netip.Addr{},
		services:  map[netip.Addr]bool{},
	}
}

// createFilter writes an empty table, which drops everything, in place of any that is there.
func createFilter(conn *nftables.Conn) (*filter, error) {
	if err := writeLayout(conn); err != nil {
		return nil, err
	}
	if err := conn.Flush(); err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	return newFilter(conn), nil
}

func (f *filter) close() { _ = f.conn.CloseLasting() }

func (f *filter) flush() error {
	f.removeDeleted()
	err := f.conn.Flush()
	if err = errors.Join(f.err, err); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// elementsPerMessage keeps the list of elements below the 64 KB of a netlink attribute.
const elementsPerMessage = 500

func (f *filter) add(s *nftables.Set, els ...nftables.SetElement) {
	for part := range slices.Chunk(els, elementsPerMessage) {
		f.err = errors.Join(f.err, f.conn.SetAddElements(s, part))
	}
}

func (f *filter) remove(s *nftables.Set, els ...nftables.SetElement) {
	for part := range slices.Chunk(els, elementsPerMessage) {
		f.err = errors.Join(f.err, f.conn.SetDeleteElements(s, part))
	}
}

// bind queues all that the table must know about an ENI, instead of what it knew.
func (f *filter) bind(link int, c network.InterfaceConfig, subnet uint32) {
	groups := c.Groups
	if c.Unguarded {
		groups = []string{unguarded}
	}
	want := binding{subnet: subnet, profile: f.profileOf(groups), checked: c.SourceDestCheck}
	if want.checked {
		want.address = c.Address
	}
	if c.Transparent {
		want.own = c.Address
	}
	have, known := f.bindings[link]
	if known && have == want {
		return
	}
	if known {
		f.unbind(link)
	}
	f.bindings[link] = want
	if want.checked {
		f.add(boundMap, element(boundKey(link, c.Address), number(subnet)))
	} else {
		f.add(uncheckedMap, element(linkKey(link), number(subnet)))
	}
	f.add(profileMap, element(linkKey(link), number(want.profile)))
	if want.own.IsValid() {
		f.add(ownMap, element(linkKey(link), address(want.own)))
		f.add(returnMap, element(linkKey(link), number(returnTable(link))))
	}
}

// unbind queues the removal of an ENI: from then on its packets are dropped, in both directions and of any connection.
func (f *filter) unbind(link int) {
	b, known := f.bindings[link]
	if !known {
		return
	}
	delete(f.bindings, link)
	if b.checked {
		f.remove(boundMap, element(boundKey(link, b.address), number(b.subnet)))
	} else {
		f.remove(uncheckedMap, element(linkKey(link), number(b.subnet)))
	}
	f.remove(profileMap, element(linkKey(link), number(b.profile)))
	if b.own.IsValid() {
		f.remove(ownMap, element(linkKey(link), address(b.own)))
		f.remove(returnMap, element(linkKey(link), number(returnTable(link))))
	}
}

// publicise queues the internet gateway's translations.
func (f *filter) publicise(in, out map[netip.Addr]netip.Addr) {
	f.replaceMap(publicInMap, f.publicIn, in)
	f.replaceMap(publicOutMap, f.publicOut, out)
	f.publicIn, f.publicOut = in, out
}

func (f *filter) replaceMap(s *nftables.Set, have, want map[netip.Addr]netip.Addr) {
	write, gone := difference(have, want)
	for k := range write {
		if old, ok := have[k]; ok {
			f.remove(s, element(address(k), address(old)))
		}
	}
	for _, k := range gone {
		f.remove(s, element(address(k), address(have[k])))
	}
	for k, v := range write {
		f.add(s, element(address(k), address(v)))
	}
}

// serve queues the addresses at which the router answers.
func (f *filter) serve(addrs map[netip.Addr]bool) {
	f.replaceSet(serviceSet, f.services, addrs)
	f.services = maps.Clone(addrs)
}

func (f *filter) replaceSet(s *nftables.Set, have, want map[netip.Addr]bool) {
	write, gone := difference(have, want)
	f.remove(s, addressElements(slices.Values(gone))...)
	f.add(s, addressElements(maps.Keys(write))...)
}

// localise queues the VPC's own prefixes, which nobody outside may use as source.
func (f *filter) localise(prefixes []netip.Prefix) {
	want := mergePrefixes(prefixes)
	if slices.Equal(want, f.local) {
		return
	}
	f.conn.FlushSet(localSet)
	f.add(localSet, intervals(want)...)
	f.local = want
}
