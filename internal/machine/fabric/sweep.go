package fabric

import (
	"errors"
	"fmt"
)

// Sweep removes everything that platforms of the instance made on this machine, whether they ended orderly or not. It needs no Fabric, and
// none must be in use. Processes in the namespaces keep them alive without a name until they end, so they are ended first.
//
// What it does not undo is IPv4 forwarding, which others may rely on by now.
func Sweep(cfg Config) error {
	cfg, err := cfg.normal()
	if err != nil {
		return fmt.Errorf("fabric: %w", err)
	}
	h, err := openHost(cfg)
	if err != nil {
		return fmt.Errorf("fabric: %w", err)
	}
	defer h.close()
	f := &Fabric{cfg: cfg, host: h}
	if err := errors.Join(f.removeOthers(nil), h.releasePool(), h.removeTable()); err != nil {
		return fmt.Errorf("sweep %s: %w", cfg.Instance, err)
	}
	return nil
}
