package balance

import (
	"maps"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Listener is a port of a load balancer. What it does is its default rule's action, which is a row of Rules like the others.
type Listener struct {
	network.Scope
	ARN             string
	LoadBalancerARN string
	Port            int
	Protocol        string
	CreatedAt       time.Time
	TLS             *TLS `json:",omitempty"` // of protocols HTTPS and TLS
	Attributes      ListenerAttributes
}

// TLS is how a listener terminates TLS.
type TLS struct {
	Policy       string
	Certificates []string // ARNs, the default one first
	ALPN         string   `json:",omitempty"` // of protocol TLS
	Mutual       Mutual   // of protocol HTTPS
}

// Mutual is what a listener asks of client certificates.
type Mutual struct {
	Mode          string
	TrustStoreARN string `json:",omitempty"` // of mode verify
	IgnoreExpiry  bool   `json:",omitempty"`
	AdvertiseCAs  bool   `json:",omitempty"`
}

// Modes of mutual authentication.
const (
	MutualOff         = "off"
	MutualVerify      = "verify"
	MutualPassthrough = "passthrough"
)

// certificates are the ARNs of a listener's certificates.
func (l *Listener) certificates() []string {
	if l.TLS == nil {
		return nil
	}
	return l.TLS.Certificates
}

func (l *Listener) trustStore() []string {
	if l.TLS == nil || l.TLS.Mutual.TrustStoreARN == "" {
		return nil
	}
	return []string{l.TLS.Mutual.TrustStoreARN}
}

// ListenerAttributes are a listener's attributes. ResponseHeaders are by header name, RequestHeaders by the name that the header has
// unless another was given.
type ListenerAttributes struct {
	ServerHeaderOff bool
	ResponseHeaders map[string]string
	RequestHeaders  map[string]string `json:",omitempty"`
	TCPIdle         time.Duration     `json:",omitempty"` // of protocol TCP; 0 is the default
}

// ListenerSpec is a listener to be created.
type ListenerSpec struct {
	LoadBalancerARN string
	Port            int
	Protocol        string
	TLS             *TLS
	Action          Action
	Tags            map[string]string
	Now             time.Time
}

// Listener finds a listener of the scope.
func (t *Tables) Listener(tx *state.Tx, scope network.Scope, arn string) (*Listener, error) {
	l, ok := t.Listeners.Get(tx, arn)
	if !ok || l.Scope != scope {
		return nil, ErrListenerNotFound.New("One or more listeners not found")
	}
	return l, nil
}

// ListenersOf are a load balancer's listeners in order of port.
func (t *Tables) ListenersOf(tx *state.Tx, loadBalancerARN string) []*Listener {
	list := slices.Collect(t.Listeners.By(tx, "loadbalancer", loadBalancerARN))
	slices.SortFunc(list, func(a, b *Listener) int { return a.Port - b.Port })
	return list
}

// CreateListener makes a listener and its default rule. One that is there already with the same settings is returned as it is.
//
// Errors: LoadBalancerNotFound, DuplicateListener, TooManyListeners, TrustStoreNotFound, ValidationError, and those of actions (see CreateRule).
func (b *Balance) CreateListener(tx *state.Tx, scope network.Scope, s ListenerSpec) (*Listener, error) {
	lb, err := b.LoadBalancer(tx, scope, s.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	if err := checkProtocol(lb, s.Protocol); err != nil {
		return nil, err
	}
	for have := range b.Listeners.By(tx, "loadbalancer", lb.ARN) {
		if have.Port == s.Port && have.sameSettings(&s) && b.DefaultRule(tx, have.ARN).Action.same(s.Action) {
			return have, nil
		}
	}
	if err := b.portFree(tx, lb, "", s.Port); err != nil {
		return nil, err
	}
	if len(b.ListenersOf(tx, lb.ARN)) >= MaxListeners {
		return nil, ErrTooManyListeners.New("The maximum number of listeners per load balancer has been reached: '%d'", MaxListeners)
	}
	l := &Listener{
		Scope: scope, ARN: listenerARN(lb.ARN, newID()), LoadBalancerARN: lb.ARN, Port: s.Port, Protocol: s.Protocol, CreatedAt: stamp(s.Now), TLS: s.TLS,
	}
	if err := b.checkTLS(tx, l); err != nil {
		return nil, err
	}
	if err := b.checkAction(tx, lb, l, s.Action); err != nil {
		return nil, err
	}
	b.Listeners.Put(tx, l)
	b.Rules.Put(tx, &Rule{Scope: scope, ARN: ruleARN(l.ARN, newID()), ListenerARN: l.ARN, LoadBalancerARN: lb.ARN, Action: s.Action})
	return l, b.SetTags(tx, l.ARN, s.Tags)
}

// sameSettings is whether a request for another listener asks for this one. Certificates beside the default one, and attributes, are not
// set by such a request.
func (l *Listener) sameSettings(s *ListenerSpec) bool {
	if l.Protocol != s.Protocol || l.TLS == nil || s.TLS == nil {
		return l.Protocol == s.Protocol && l.TLS == s.TLS
	}
	return len(s.TLS.Certificates) == 1 && l.TLS.Certificates[0] == s.TLS.Certificates[0] &&
		l.TLS.Policy == s.TLS.Policy && l.TLS.ALPN == s.TLS.ALPN && l.TLS.Mutual == s.TLS.Mutual
}

// ListenerChange is what may change of a listener; zero values leave it.
type ListenerChange struct {
	Port        int
	Protocol    string
	Certificate string // the default one
	Policy      string
	ALPN        string
	Mutual      *Mutual
	Action      *Action
}

// ModifyListener changes a listener. One that becomes plain loses what it had of TLS.
func (b *Balance) ModifyListener(tx *state.Tx, scope network.Scope, arn string, change ListenerChange) (*Listener, error) {
	l, err := b.Listener(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	lb, err := b.LoadBalancer(tx, scope, l.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	c := l.changed(change)
	if err := checkProtocol(lb, c.Protocol); err != nil {
		return nil, err
	}
	if err := b.portFree(tx, lb, arn, c.Port); err != nil {
		return nil, err
	}
	if c.Port != l.Port {
		if err := b.listenerFree(tx, l); err != nil {
			return nil, err
		}
	}
	if err := b.checkTLS(tx, c); err != nil {
		return nil, err
	}
	rule := b.DefaultRule(tx, arn)
	next := *rule
	if change.Action != nil {
		next.Action = *change.Action
	}
	if err := b.checkAction(tx, lb, c, next.Action); err != nil {
		return nil, err
	}
	if c.Protocol != l.Protocol {
		for _, r := range b.RulesOf(tx, arn) {
			if err := b.checkCompatible(tx, c, r.Action); !r.Default() && err != nil {
				return nil, err
			}
		}
	}
	b.Listeners.Put(tx, c)
	b.Rules.Put(tx, &next)
	return c, nil
}

// changed is the listener with the changes.
func (l *Listener) changed(change ListenerChange) *Listener {
	c := *l
	if change.Port != 0 {
		c.Port = change.Port
	}
	if change.Protocol != "" {
		c.Protocol = change.Protocol
	}
	asked := change.Certificate != "" || change.Policy != "" || change.ALPN != "" || change.Mutual != nil
	switch {
	case l.TLS != nil && (Secure(c.Protocol) || asked):
		t := *l.TLS
		c.TLS = &t
	case asked:
		c.TLS = &TLS{Policy: DefaultPolicy, Mutual: Mutual{Mode: MutualOff}}
	default:
		c.TLS = nil
		return &c
	}
	if change.Certificate != "" {
		others := slices.Clone(c.TLS.Certificates)
		if len(others) > 0 {
			others = others[1:]
		}
		others = slices.DeleteFunc(others, func(a string) bool { return a == change.Certificate })
		c.TLS.Certificates = append([]string{change.Certificate}, others...)
	}
	if change.Policy != "" {
		c.TLS.Policy = change.Policy
	}
	if change.ALPN != "" {
		c.TLS.ALPN = change.ALPN
	}
	if change.Mutual != nil {
		c.TLS.Mutual = *change.Mutual
	}
	return &c
}

// checkTLS is whether a listener has what its protocol asks for, and nothing else.
func (b *Balance) checkTLS(tx *state.Tx, l *Listener) error {
	if !Secure(l.Protocol) {
		if l.TLS == nil {
			return nil
		}
		switch t := l.TLS; {
		case len(t.Certificates) > 0:
			return ErrValidation.New("Certificates cannot be specified for listeners with protocol '%s'", l.Protocol)
		case t.ALPN != "":
			return ErrValidation.New("An ALPN policy cannot be specified for listeners with protocol '%s'", l.Protocol)
		case t.Mutual.Mode != MutualOff:
			return ErrValidation.New("Mutual authentication cannot be specified for listeners with protocol '%s'", l.Protocol)
		}
		return ErrValidation.New("An SSL policy cannot be specified for listeners with protocol '%s'", l.Protocol)
	}
	if len(l.certificates()) == 0 {
		return ErrValidation.New("A certificate must be specified for %s listeners", l.Protocol)
	}
	m := l.TLS.Mutual
	switch {
	case l.TLS.ALPN != "" && l.Protocol != ProtocolTLS:
		return ErrValidation.New("An ALPN policy cannot be specified for listeners with protocol '%s'", l.Protocol)
	case m.Mode != MutualOff && l.Protocol != ProtocolHTTPS:
		return ErrValidation.New("Mutual authentication cannot be specified for listeners with protocol '%s'", l.Protocol)
	}
	if m.TrustStoreARN != "" {
		if _, err := b.TrustStore(tx, l.Scope, m.TrustStoreARN); err != nil {
			return err
		}
		return b.verifiersFit(tx, l)
	}
	return nil
}

// SetListenerAttributes changes a listener's attributes.
func (b *Balance) SetListenerAttributes(tx *state.Tx, l *Listener, a ListenerAttributes) *Listener {
	c := *l
	c.Attributes = a
	b.Listeners.Put(tx, &c)
	return &c
}

// AddCertificates lets a listener present more certificates. Those it has are left alone.
//
// Errors: TooManyCertificates, OperationNotPermitted for a listener without TLS.
func (b *Balance) AddCertificates(tx *state.Tx, l *Listener, arns []string) (*Listener, error) {
	if l.TLS == nil {
		return nil, ErrNotPermitted.New("Certificates cannot be added to listeners with protocol '%s'", l.Protocol)
	}
	c, t := *l, *l.TLS
	t.Certificates = slices.Clone(t.Certificates)
	for _, arn := range arns {
		if !slices.Contains(t.Certificates, arn) {
			t.Certificates = append(t.Certificates, arn)
		}
	}
	c.TLS = &t
	b.Listeners.Put(tx, &c)
	n := 0
	for o := range b.Listeners.By(tx, "loadbalancer", l.LoadBalancerARN) {
		n += max(len(o.certificates())-1, 0)
	}
	if n > MaxCertificates {
		return nil, ErrTooManyCertificates.New("The maximum number of certificates per load balancer has been reached: '%d'", MaxCertificates)
	}
	return &c, nil
}

// RemoveCertificates takes certificates from a listener; those it does not have are no error.
func (b *Balance) RemoveCertificates(tx *state.Tx, l *Listener, arns []string) error {
	if l.TLS == nil {
		return ErrNotPermitted.New("Certificates cannot be removed from listeners with protocol '%s'", l.Protocol)
	}
	if slices.Contains(arns, l.TLS.Certificates[0]) {
		return ErrNotPermitted.New("The default certificate '%s' cannot be removed", l.TLS.Certificates[0])
	}
	c, t := *l, *l.TLS
	t.Certificates = slices.DeleteFunc(slices.Clone(t.Certificates), func(a string) bool { return slices.Contains(arns, a) })
	c.TLS = &t
	b.Listeners.Put(tx, &c)
	return nil
}

// CertificateUsers are the ARNs of the load balancers that present a certificate.
func (t *Tables) CertificateUsers(tx *state.Tx, arn string) []string {
	users := map[string]bool{}
	for l := range t.Listeners.By(tx, "certificate", arn) {
		users[l.LoadBalancerARN] = true
	}
	return slices.Sorted(maps.Keys(users))
}

// CertificateRenamed makes listeners that present a certificate know it by another ARN, in the place it has among their certificates.
func (t *Tables) CertificateRenamed(tx *state.Tx, from, to string) {
	for _, l := range slices.Collect(t.Listeners.By(tx, "certificate", from)) {
		c, s := *l, *l.TLS
		s.Certificates = slices.Clone(s.Certificates)
		s.Certificates[slices.Index(s.Certificates, from)] = to
		c.TLS = &s
		t.Listeners.Put(tx, &c)
	}
}

// DeleteListener deletes a listener with its rules.
func (b *Balance) DeleteListener(tx *state.Tx, scope network.Scope, arn string) error {
	l, err := b.Listener(tx, scope, arn)
	if err != nil {
		return err
	}
	if err := b.listenerFree(tx, l); err != nil {
		return err
	}
	b.removeListener(tx, l)
	return nil
}

// listenerFree is whether nothing but clients needs the listener: a load balancer that is a target needs one on its target's port.
func (b *Balance) listenerFree(tx *state.Tx, l *Listener) error {
	for t := range b.Targets.By(tx, "id", l.LoadBalancerARN) {
		if t.Port == l.Port && !t.Draining() {
			return ErrResourceInUse.New("Listener port '%d' is in use by registered target '%s' and cannot be removed.", l.Port, t.ID)
		}
	}
	return nil
}

func (b *Balance) removeListener(tx *state.Tx, l *Listener) {
	for r := range b.Rules.By(tx, "listener", l.ARN) {
		b.Rules.Delete(tx, r.ARN)
		b.Tags.Delete(tx, r.ARN)
	}
	b.Listeners.Delete(tx, l.ARN)
	b.Tags.Delete(tx, l.ARN)
}

func (b *Balance) portFree(tx *state.Tx, lb *LoadBalancer, except string, port int) error {
	for l := range b.Listeners.By(tx, "loadbalancer", lb.ARN) {
		if l.Port == port && l.ARN != except {
			return ErrDuplicateListener.New("A listener already exists on this port for this load balancer '%s'", lb.ARN)
		}
	}
	return nil
}
