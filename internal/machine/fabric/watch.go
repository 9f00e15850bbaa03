package fabric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// settleTime lets a firewall finish what it is at before we look.
const settleTime = 500 * time.Millisecond

// Run watches the machine's own nftables until ctx is done, and puts back what the platform needs there when somebody removes it or closes a firewall:
// Docker when it starts later, `nft flush ruleset` when a firewall is reloaded. VPCs have their own nftables, which nobody else touches.
func (f *Fabric) Run(ctx context.Context) error {
	changes, err := f.host.subscribe()
	if err != nil {
		return fmt.Errorf("fabric: watch nftables: %w", err)
	}
	wake := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		<-ctx.Done()
		return changes.Close()
	})
	g.Go(func() error { return collect(ctx, changes, wake) })
	g.Go(func() error { return f.host.repair(ctx, wake) })
	return g.Wait()
}

func (h *host) subscribe() (c *netlink.Conn, err error) {
	err = inNamespace(h.ns, func() error {
		c, err = netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)})
		return err
	})
	return c, err
}

// collect turns notifications into one wake-up. That some were lost means there were many.
func collect(ctx context.Context, changes *netlink.Conn, wake chan<- struct{}) error {
	for {
		_, err := changes.Receive()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return fmt.Errorf("fabric: watch nftables: %w", err)
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

func (h *host) repair(ctx context.Context, wake <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settleTime):
		}
		if err := h.repairOnce(); err != nil {
			h.log.Error("network: the host's nftables", "error", err)
		}
	}
}

// repairOnce changes nothing if all is there, or nothing should be, so it does not wake itself.
func (h *host) repairOnce() error {
	h.passage.mu.Lock()
	defer h.passage.mu.Unlock()
	if !h.passage.open {
		return nil
	}
	conn, err := dialFilter(h.ns)
	if err != nil {
		return err
	}
	defer conn.CloseLasting()
	present, err := h.tablePresent(conn)
	if err != nil {
		return err
	}
	if !present {
		h.log.Warn("network: somebody removed the platform's nftables table, it is put back", "table", tableName(h.instance))
		if err := h.installTable(conn); err != nil {
			return err
		}
	}
	return h.passFirewalls(conn)
}

func (h *host) tablePresent(conn *nftables.Conn) (bool, error) {
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return false, fmt.Errorf("nftables tables: %w", err)
	}
	for _, t := range tables {
		if t.Name == tableName(h.instance) {
			return true, nil
		}
	}
	return false, nil
}
