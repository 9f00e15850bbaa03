package fabric

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
)

// passage is what the host's nftables has for packets from and to VPCs: the table that masquerades, and the rules in closed
// firewalls. It is open from before the first uplink is made until after the last one is removed.
type passage struct {
	mu     sync.Mutex // held while uplinks come and go, or the last could go while the first comes
	open   bool
	warned map[string]bool // what the log was told about foreign firewalls
}

// settlePassage opens the passage for the uplinks that an earlier process left, and takes away one that it left without any.
func (h *host) settlePassage() error {
	h.passage.mu.Lock()
	defer h.passage.mu.Unlock()
	uplinks, err := h.uplinks()
	if err != nil {
		return err
	}
	if len(uplinks) == 0 {
		return h.removeTable()
	}
	return h.openPassage()
}

func (h *host) openPassage() error {
	if h.passage.open {
		return nil
	}
	conn, err := dialFilter(h.ns)
	if err != nil {
		return err
	}
	defer conn.CloseLasting()
	err = h.installTable(conn)
	if err == nil {
		err = h.passFirewalls(conn)
	}
	if err != nil {
		return errors.Join(err, h.removeTable())
	}
	h.passage.open = true
	return nil
}

// closePassage closes it if no uplink is left. The kernel is asked because an uplink may also go with its VPC's namespace.
func (h *host) closePassage() error {
	if !h.passage.open {
		return nil
	}
	if uplinks, err := h.uplinks(); err != nil || len(uplinks) > 0 {
		return err
	}
	if err := h.removeTable(); err != nil {
		return err
	}
	h.passage.open = false
	return nil
}

// uplinks are the host's ends of all the platform's uplinks.
func (h *host) uplinks() ([]netlink.Link, error) {
	all, err := dump(h.route.LinkList)
	if err != nil {
		return nil, fmt.Errorf("links of the host: %w", err)
	}
	var ours []netlink.Link
	for _, l := range all {
		if strings.HasPrefix(l.Attrs().Name, linkPrefix(h.instance)) {
			ours = append(ours, l)
		}
	}
	return ours, nil
}
