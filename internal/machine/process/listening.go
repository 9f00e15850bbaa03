package process

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listening is the process that has a port, network being tcp or udp, so that nobody else can listen at that IPv4 address: it listens there, or at all
// addresses. Of several with the same socket it is the oldest. The zero ID: none, or one that is hidden from us.
func Listening(network string, at netip.AddrPort) (ID, error) {
	inode, err := listener(network, at)
	if inode == "" || err != nil {
		return ID{}, err
	}
	found, err := openers("socket:["+inode+"]", 0)
	if len(found) == 0 || err != nil {
		return ID{}, err
	}
	return slices.MinFunc(found, func(a, b ID) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID)) }), nil
}

// states are those of proc(5) in which a socket has its port for itself: TCP_LISTEN, and TCP_CLOSE, which is that of UDP without a peer.
var states = map[string]string{"tcp": "0A", "udp": "07"}

// listener is the inode of the socket that has a port, empty if there is none.
func listener(network string, at netip.AddrPort) (string, error) {
	for _, table := range []string{network, network + "6"} {
		f, err := os.Open("/proc/self/net/" + table)
		if errors.Is(err, os.ErrNotExist) {
			continue // a machine without IPv6
		} else if err != nil {
			return "", err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Scan() // past the head
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 10 || fields[3] != states[network] {
				continue
			}
			local, err := parseAddress(fields[1])
			if err != nil {
				return "", fmt.Errorf("/proc/self/net/%s: %w", table, err)
			}
			if local.Port() == at.Port() && (local.Addr() == at.Addr() || local.Addr().IsUnspecified()) {
				return fields[9], nil
			}
		}
		if err := lines.Err(); err != nil {
			return "", err
		}
	}
	return "", nil
}

// parseAddress reads an address as proc(5) has it: words of the machine's own order of octets.
func parseAddress(text string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(address)
	if err != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("address %q", text)
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q", text)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// Name is what the process calls itself, at most 15 octets of it; empty if it has ended.
func (p ID) Name() string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.PID))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
