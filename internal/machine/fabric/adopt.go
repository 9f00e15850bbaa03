package fabric

import (
	"context"
	"errors"
	"fmt"
)

// Adopt implements network.Fabric.
func (f *Fabric) Adopt(ctx context.Context, vpcs, interfaces []string) error {
	keep := map[string]bool{}
	for _, id := range vpcs {
		keep[id] = true
	}
	links := map[string]bool{}
	for _, id := range interfaces {
		keep[id] = true
		links[interfaceLinkName(id)] = true
	}
	for _, id := range vpcs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.adoptVPC(id, links); err != nil {
			return fmt.Errorf("adopt vpc %s: %w", id, err)
		}
	}
	if err := f.removeOthers(keep); err != nil {
		return fmt.Errorf("adopt: %w", err)
	}
	return nil
}

// adoptVPC reads back what is there and ends the traffic of interfaces that are no more.
func (f *Fabric) adoptVPC(id string, keep map[string]bool) error {
	v, exists := f.existing(id)
	if !exists {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.change(func() error {
		links, err := v.interfaceLinks()
		if err != nil {
			return err
		}
		for name, index := range links {
			if keep[name] {
				continue
			}
			if err := v.detachLink("", index); err != nil {
				return err
			}
			delete(links, name)
		}
		v.unbindOthers(links)
		if err := v.filter.flush(); err != nil {
			return err
		}
		return v.forgetStrangers()
	})
}

// interfaceLinks are the VPC's ends of its interfaces' pairs, by name.
func (v *vpc) interfaceLinks() (map[string]int, error) {
	all, err := dump(v.route.LinkList)
	if err != nil {
		return nil, err
	}
	links := map[string]int{}
	for _, l := range all {
		if name := l.Attrs().Name; name != "lo" && name != uplinkName {
			links[name] = l.Attrs().Index
		}
	}
	return links, nil
}

// unbindOthers queues the removal of what the filter knows about links that are gone.
func (v *vpc) unbindOthers(links map[string]int) {
	exists := map[int]bool{}
	for _, index := range links {
		exists[index] = true
	}
	for index := range v.filter.bindings {
		if !exists[index] {
			v.filter.unbind(index)
		}
	}
}

// removeOthers removes the namespaces, and the uplinks of VPCs, that are not to be kept.
func (f *Fabric) removeOthers(keep map[string]bool) error {
	ids, err := namespacesOf(f.cfg.RunDir, namespacePrefix(f.cfg.Instance))
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if !keep[id] {
			errs = append(errs, removeNamespace(f.NamespacePath(id)))
		}
	}
	return errors.Join(append(errs, f.host.removeUplinks(keep))...)
}

// removeUplinks removes the uplinks of VPCs that are not to be kept.
func (h *host) removeUplinks(keep map[string]bool) error {
	h.passage.mu.Lock()
	defer h.passage.mu.Unlock()
	links, err := h.uplinks()
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range links {
		if !keep[l.Attrs().Alias] {
			errs = append(errs, h.removePair(l))
		}
	}
	return errors.Join(append(errs, h.closePassage())...)
}
