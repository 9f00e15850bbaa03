package edgeapi

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Validate reports the first thing in the snapshot that edge could not serve as it is meant. Edge accepts exactly the
// snapshots that pass.
func (s *Snapshot) Validate() error {
	if n := len(s.CookieKey); n != 0 && n != 32 {
		return fmt.Errorf("cookie key has %d octets", n)
	}
	if s.Generation == 0 {
		return fmt.Errorf("generation is 0")
	}
	if err := s.pending(); err != nil {
		return err
	}
	all, groups, networks := map[string]bool{}, map[string]bool{}, map[string]*TargetGroup{}
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		if g.ARN == "" || all[g.ARN] {
			return fmt.Errorf("target group %q: missing or repeated ARN", g.ARN)
		}
		all[g.ARN] = true
		if g.Network() {
			networks[g.ARN] = g
		} else {
			groups[g.ARN] = true
		}
		if err := g.validate(); err != nil {
			return fmt.Errorf("target group %s: %w", g.ARN, err)
		}
	}
	balancers := map[string]*LoadBalancer{}
	for i := range s.LoadBalancers {
		lb := &s.LoadBalancers[i]
		if lb.ARN == "" || balancers[lb.ARN] != nil {
			return fmt.Errorf("load balancer %q: missing or repeated ARN", lb.ARN)
		}
		balancers[lb.ARN] = lb
		validate := func() error { return lb.validate(groups) }
		if lb.Type == TypeNetwork {
			validate = func() error { return lb.validateNetwork(networks) }
		}
		if err := validate(); err != nil {
			return fmt.Errorf("load balancer %s: %w", lb.ARN, err)
		}
	}
	if err := s.validateSecrets(); err != nil {
		return err
	}
	if err := validateNodes(s.Nodes, balancers); err != nil {
		return err
	}
	if err := validateZones(s.Zones); err != nil {
		return err
	}
	return validateDoors(s.Doors)
}

func validateNodes(nodes []Node, balancers map[string]*LoadBalancer) error {
	ids, sockets := map[string]bool{}, map[string]string{}
	for _, n := range nodes {
		if n.ID == "" || ids[n.ID] {
			return fmt.Errorf("node %q: missing or repeated id", n.ID)
		}
		ids[n.ID] = true
		lb := balancers[n.LoadBalancer]
		if lb == nil {
			return fmt.Errorf("node %s: unknown load balancer %q", n.ID, n.LoadBalancer)
		}
		if !n.Address.Is4() {
			return fmt.Errorf("node %s: address %q is not IPv4", n.ID, n.Address)
		}
		for _, l := range lb.Listeners {
			key := n.Namespace + " " + netip.AddrPortFrom(n.Address, uint16(l.Port)).String()
			if other, taken := sockets[key]; taken {
				return fmt.Errorf("node %s: port %d is also node %s's", n.ID, l.Port, other)
			}
			sockets[key] = n.ID
		}
	}
	return nil
}

func (g *TargetGroup) validate() error {
	if err := g.validateKind(); err != nil {
		return err
	}
	if !g.Network() {
		switch {
		case g.Protocol != ProtocolHTTP && g.Protocol != ProtocolHTTPS:
			return fmt.Errorf("protocol %q is not supported", g.Protocol)
		case g.ProtocolVersion != VersionHTTP1 && g.ProtocolVersion != VersionHTTP2 && g.ProtocolVersion != VersionGRPC:
			return fmt.Errorf("protocol version %q is not supported", g.ProtocolVersion)
		}
		if err := g.validateRouting(); err != nil {
			return err
		}
	}
	if g.HealthCheck.Protocol == ProtocolTCP && !g.Network() {
		return fmt.Errorf("health check: protocol %q is not supported with protocol %s", g.HealthCheck.Protocol, g.Protocol)
	}
	if err := g.HealthCheck.validate(g.ProtocolVersion); err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	type identity struct {
		id   string
		port int
	}
	seen := map[identity]bool{}
	for _, t := range g.Targets {
		k := identity{t.ID, t.Port}
		switch {
		case t.ID == "" || seen[k]:
			return fmt.Errorf("target %q: missing or repeated id", t.ID)
		case !t.Address.Is4():
			return fmt.Errorf("target %s: address %q is not IPv4", t.ID, t.Address)
		case !isPort(t.Port):
			return fmt.Errorf("target %s: bad port %d", t.ID, t.Port)
		case t.Draining && t.DrainUntil.IsZero():
			return fmt.Errorf("target %s: draining without an end", t.ID)
		}
		seen[k] = true
	}
	return nil
}

func (h *HealthCheck) validate(version string) error {
	if h.Protocol != ProtocolHTTP && h.Protocol != ProtocolHTTPS && h.Protocol != ProtocolTCP {
		return fmt.Errorf("protocol %q is not supported", h.Protocol)
	}
	if h.Port != PortTraffic {
		if n, err := strconv.Atoi(h.Port); err != nil || !isPort(n) {
			return fmt.Errorf("bad port %q", h.Port)
		}
	}
	switch {
	case h.Protocol == ProtocolTCP && (h.Path != "" || h.Matcher != ""):
		return fmt.Errorf("a path or matcher is not supported with protocol %s", h.Protocol)
	case h.Protocol != ProtocolTCP && (!strings.HasPrefix(h.Path, "/") || strings.ContainsFunc(h.Path, notVisible)):
		return fmt.Errorf("bad path %q", h.Path)
	case h.Interval <= 0 || h.Timeout <= 0:
		return fmt.Errorf("interval %v and timeout %v must be positive", h.Interval, h.Timeout)
	case h.HealthyThreshold < 1 || h.UnhealthyThreshold < 1:
		return fmt.Errorf("thresholds %d and %d must be positive", h.HealthyThreshold, h.UnhealthyThreshold)
	}
	if h.Protocol == ProtocolTCP {
		return nil
	}
	_, err := ParseMatcherFor(version, h.Matcher)
	return err
}

func (lb *LoadBalancer) validate(groups map[string]bool) error {
	if lb.Type != "application" {
		return fmt.Errorf("type %q is not supported", lb.Type)
	}
	a := lb.Attributes
	switch {
	case a.IdleTimeout <= 0 || a.ClientKeepAlive <= 0:
		return fmt.Errorf("idle timeout %v and client keep-alive %v must be positive", a.IdleTimeout, a.ClientKeepAlive)
	case !slices.Contains([]string{ForwardedForAppend, ForwardedForPreserve, ForwardedForRemove}, a.ForwardedFor):
		return fmt.Errorf("X-Forwarded-For mode %q is not supported", a.ForwardedFor)
	case !slices.Contains([]string{DesyncDefensive, DesyncStrictest, DesyncMonitor}, a.Desync):
		return fmt.Errorf("desync mitigation mode %q is not supported", a.Desync)
	}
	arns, ports := map[string]bool{}, map[int]bool{}
	for i := range lb.Listeners {
		l := &lb.Listeners[i]
		if l.ARN == "" || arns[l.ARN] || !isPort(l.Port) || ports[l.Port] {
			return fmt.Errorf("listener %q: missing or repeated ARN or port %d", l.ARN, l.Port)
		}
		arns[l.ARN], ports[l.Port] = true, true
		if err := l.validate(groups); err != nil {
			return fmt.Errorf("listener %s: %w", l.ARN, err)
		}
	}
	return nil
}

func (l *Listener) validate(groups map[string]bool) error {
	if l.Protocol != ProtocolHTTP && l.Protocol != ProtocolHTTPS {
		return fmt.Errorf("protocol %q is not supported", l.Protocol)
	}
	if (l.Protocol == ProtocolHTTPS) != (l.TLS != nil) {
		return fmt.Errorf("protocol %s and TLS do not go together", l.Protocol)
	}
	if err := validateRenames(l.Attributes.RequestHeaders); err != nil {
		return err
	}
	for _, h := range l.Attributes.ResponseHeaders {
		if h.Name == "" || strings.ContainsFunc(h.Name, notToken) || strings.ContainsFunc(h.Value, notField) {
			return fmt.Errorf("bad response header %q", h.Name)
		}
	}
	if len(l.Rules) == 0 {
		return fmt.Errorf("no default rule")
	}
	arns, last := map[string]bool{}, 0
	for i := range l.Rules {
		r := &l.Rules[i]
		if r.ARN == "" || arns[r.ARN] {
			return fmt.Errorf("rule %q: missing or repeated ARN", r.ARN)
		}
		arns[r.ARN] = true
		if isDefault := i == len(l.Rules)-1; isDefault {
			if r.Priority != 0 || len(r.Conditions) != 0 {
				return fmt.Errorf("rule %s: the last rule is not the default rule", r.ARN)
			}
		} else {
			if r.Priority <= last || len(r.Conditions) == 0 {
				return fmt.Errorf("rule %s: priority %d out of order or no conditions", r.ARN, r.Priority)
			}
			last = r.Priority
		}
		for _, c := range r.Conditions {
			if err := c.validate(); err != nil {
				return fmt.Errorf("rule %s: %s: %w", r.ARN, c.Field, err)
			}
		}
		if err := validateTransforms(r); err != nil {
			return fmt.Errorf("rule %s: %w", r.ARN, err)
		}
		if err := r.Action.validate(groups); err != nil {
			return fmt.Errorf("rule %s: %w", r.ARN, err)
		}
	}
	return nil
}

func (c *Condition) validate() error {
	if c.Field == FieldQuery {
		if len(c.Query) == 0 || len(c.Values) != 0 {
			return fmt.Errorf("needs query values only")
		}
		return nil
	}
	if len(c.Regex) > 0 {
		return c.validateRegex()
	}
	if len(c.Values) == 0 || len(c.Query) != 0 {
		return fmt.Errorf("needs values only")
	}
	for _, v := range c.Values {
		if len(v) > MaxConditionValue {
			return fmt.Errorf("value %q is too long", v)
		}
	}
	switch c.Field {
	case FieldHost, FieldPath, FieldMethod:
	case FieldHeader:
		if c.Header == "" || strings.ContainsFunc(c.Header, notToken) {
			return fmt.Errorf("bad header name %q", c.Header)
		}
	case FieldSourceIP:
		for _, v := range c.Values {
			if _, err := netip.ParsePrefix(v); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("unknown condition")
	}
	return nil
}

func (c *Condition) validateRegex() error {
	switch {
	case len(c.Values) != 0 || len(c.Query) != 0:
		return fmt.Errorf("regular expressions stand instead of values")
	case c.Field == FieldHeader && (c.Header == "" || strings.ContainsFunc(c.Header, notToken)):
		return fmt.Errorf("bad header name %q", c.Header)
	case c.Field != FieldHost && c.Field != FieldPath && c.Field != FieldHeader:
		return fmt.Errorf("regular expressions are for hosts, paths and headers")
	}
	for _, expression := range c.Regex {
		if expression == "" || len(expression) > MaxConditionRegex {
			return fmt.Errorf("a regular expression has 1 to %d characters", MaxConditionRegex)
		}
		if _, err := CompileRegex(expression, c.Field == FieldHost); err != nil {
			return err
		}
	}
	return nil
}

func (a *Action) validate(groups map[string]bool) error {
	set := 0
	if f := a.Forward; f != nil {
		set++
		if err := f.validate(groups); err != nil {
			return err
		}
	}
	if r := a.Redirect; r != nil {
		set++
		if r.StatusCode != 301 && r.StatusCode != 302 {
			return fmt.Errorf("redirect with status %d", r.StatusCode)
		}
		if !strings.HasPrefix(r.Path, "/") {
			return fmt.Errorf("redirect to bad path %q", r.Path)
		}
		if strings.ContainsFunc(r.Protocol+r.Host+r.Port+r.Path+r.Query, notVisible) {
			return fmt.Errorf("redirect with bad character")
		}
	}
	if f := a.FixedResponse; f != nil {
		set++
		if class := f.StatusCode / 100; class != 2 && class != 4 && class != 5 {
			return fmt.Errorf("fixed response with status %d", f.StatusCode)
		}
		if strings.ContainsFunc(f.ContentType, notField) {
			return fmt.Errorf("fixed response with bad content type %q", f.ContentType)
		}
	}
	if set != 1 {
		return fmt.Errorf("an action does exactly one thing, this one %d", set)
	}
	return nil
}

func validateZones(zones []Zone) error {
	vpcs := map[string]bool{}
	for _, z := range zones {
		if z.VPC == "" || vpcs[z.VPC] {
			return fmt.Errorf("zone %q: missing or repeated VPC", z.VPC)
		}
		vpcs[z.VPC] = true
		if len(z.Listen) == 0 || z.Port != 0 && !isPort(z.Port) {
			return fmt.Errorf("zone %s: nothing to listen on", z.VPC)
		}
		for _, a := range z.Listen {
			if !a.Is4() {
				return fmt.Errorf("zone %s: address %q is not IPv4", z.VPC, a)
			}
		}
		for _, own := range z.Own {
			if !isDomain(own) {
				return fmt.Errorf("zone %s: bad domain %q", z.VPC, own)
			}
		}
		names := map[string]bool{}
		for _, r := range z.Records {
			name := strings.ToLower(r.Name)
			if !isDomain(strings.TrimPrefix(name, "*.")) || names[name] {
				return fmt.Errorf("zone %s: bad or repeated name %q", z.VPC, r.Name)
			}
			names[name] = true
			for _, a := range r.Addresses {
				if !a.Is4() {
					return fmt.Errorf("zone %s: %s: address %q is not IPv4", z.VPC, r.Name, a)
				}
			}
		}
	}
	return nil
}

func validateDoors(doors []Door) error {
	own, shared := map[netip.AddrPort]string{}, map[string]string{}
	for _, d := range doors {
		switch {
		case d.LoadBalancer == "" || !isPort(d.Port):
			return fmt.Errorf("door %q: bad load balancer or port %d", d.LoadBalancer, d.Port)
		case d.Protocol != ProtocolHTTP && d.Protocol != ProtocolHTTPS && forwards[d.Protocol] == nil:
			return fmt.Errorf("door %s: protocol %q is not supported", d.LoadBalancer, d.Protocol)
		case len(d.Public) == 0:
			return fmt.Errorf("door %s: leads nowhere", d.LoadBalancer)
		case d.Loopback.IsValid() && !(d.Loopback.Is4() && d.Loopback.IsLoopback() && d.Loopback != netip.AddrFrom4([4]byte{127, 0, 0, 1})):
			return fmt.Errorf("door %s: %s is not an IPv4 loopback address of its own", d.LoadBalancer, d.Loopback)
		}
		for _, a := range d.Public {
			if !a.Is4() {
				return fmt.Errorf("door %s: address %q is not IPv4", d.LoadBalancer, a)
			}
		}
		if d.Loopback.IsValid() {
			ap := netip.AddrPortFrom(d.Loopback, uint16(d.Port))
			if other, taken := own[ap]; taken {
				return fmt.Errorf("door %s: %s is also that of %s", d.LoadBalancer, ap, other)
			}
			own[ap] = d.LoadBalancer
		}
		for _, h := range d.Hosts {
			key := strings.ToLower(h) + ":" + strconv.Itoa(d.Port)
			if other, taken := shared[key]; taken || !isDomain(h) {
				return fmt.Errorf("door %s: bad host %s, or also that of %q", d.LoadBalancer, key, other)
			}
			shared[key] = d.LoadBalancer
		}
	}
	return nil
}

func isPort(n int) bool { return 1 <= n && n <= 65535 }

func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notLabel) {
			return false
		}
	}
	return true
}

func notLabel(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

func notToken(r rune) bool {
	return notLabel(r) && !strings.ContainsRune("!#$%&'*+.^`|~", r)
}

func notField(r rune) bool { return r != '\t' && (r < ' ' || r == 0x7f) }

func notVisible(r rune) bool { return r <= ' ' || r >= 0x7f }
