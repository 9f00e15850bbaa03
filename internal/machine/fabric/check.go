package fabric

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/network"
)

// What reaches the kernel is checked first: an id becomes a file name, and half a configuration is worse than none.

func checkID(kind, id string) error {
	if id == "" || len(id) > 128 || strings.HasPrefix(id, ".") || strings.Trim(id, idCharacters) != "" {
		return fmt.Errorf("%s id %q is not usable", kind, id)
	}
	return nil
}

const idCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func checkAddress(what string, a netip.Addr) error {
	if !a.Is4() {
		return fmt.Errorf("%s %s: not an IPv4 address", what, a)
	}
	return nil
}

func checkPrefix(what string, p netip.Prefix) error {
	if !p.IsValid() || !p.Addr().Is4() {
		return fmt.Errorf("%s %s: not an IPv4 network", what, p)
	}
	return nil
}

func checkVPC(c *network.VPCConfig) error {
	errs := []error{checkID("vpc", c.ID)}
	if c.DNS.IsValid() {
		errs = append(errs, checkAddress("resolver", c.DNS))
	}
	for _, p := range c.CIDRs {
		errs = append(errs, checkPrefix("block", p))
	}
	for _, s := range c.Subnets {
		errs = append(errs, checkPrefix("subnet", s.CIDR), checkAddress("gateway", s.Gateway))
		for _, r := range s.Routes {
			errs = append(errs, checkRoute(r))
		}
	}
	for _, p := range c.Public {
		errs = append(errs, checkAddress("public", p.Public), checkAddress("private", p.Private))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("vpc %s: %w", c.ID, err)
	}
	return nil
}

func checkRoute(r network.Route) error {
	errs := []error{checkPrefix("route", r.Destination)}
	switch r.Via {
	case network.RouteLocal, network.RouteInternet, network.RouteNAT, network.RouteBlackhole, network.RouteInterface:
	default:
		errs = append(errs, fmt.Errorf("route to %s: unknown target %q", r.Destination, r.Via))
	}
	for _, a := range []netip.Addr{r.NatPublic, r.NatPrivate} {
		if a.IsValid() {
			errs = append(errs, checkAddress("NAT", a))
		}
	}
	return errors.Join(errs...)
}

func checkInterface(c *network.InterfaceConfig) error {
	errs := []error{checkID("interface", c.ID), checkID("vpc", c.VPC), checkAddress("address", c.Address)}
	if n := len(c.MAC); n != 0 && n != 6 {
		errs = append(errs, fmt.Errorf("link address %s: not six bytes", c.MAC))
	}
	for _, g := range c.Groups {
		errs = append(errs, checkID("group", g))
	}
	if c.Unguarded && len(c.Groups) > 0 {
		errs = append(errs, errors.New("both groups and unguarded"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("interface %s: %w", c.ID, err)
	}
	return nil
}

func checkGroup(c *network.GroupConfig) error {
	errs := []error{checkID("group", c.ID), checkID("vpc", c.VPC)}
	for _, a := range c.Members {
		errs = append(errs, checkAddress("member", a))
	}
	for _, rules := range [][]network.Rule{c.Ingress, c.Egress} {
		for _, r := range rules {
			errs = append(errs, checkRule(r))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("security group %s: %w", c.ID, err)
	}
	return nil
}

func checkRule(r network.Rule) error {
	if r.Protocol < -1 || r.Protocol > 255 {
		return fmt.Errorf("protocol %d: not a number of one byte", r.Protocol)
	}
	if r.FromPort < -1 || r.FromPort > 65535 || r.ToPort < -1 || r.ToPort > 65535 {
		return fmt.Errorf("ports %d to %d: not port numbers", r.FromPort, r.ToPort)
	}
	for _, g := range r.Groups {
		if err := checkID("group", g); err != nil {
			return err
		}
	}
	return nil
}
