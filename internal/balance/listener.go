package balance

import (
	"slices"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// ProtocolHTTP is the one protocol of listeners and target groups there is now.
const ProtocolHTTP = "HTTP"

// Listener is a port of a load balancer. What it does is its default rule's action, which is a row of Rules like the others.
type Listener struct {
	network.Scope
	ARN             string
	LoadBalancerARN string
	Port            int
	Protocol        string
	CreatedAt       time.Time
	Attributes      ListenerAttributes
}

// ListenerAttributes are the attributes of an HTTP listener. ResponseHeaders are by header name.
type ListenerAttributes struct {
	ServerHeaderOff bool
	ResponseHeaders map[string]string
}

// ListenerSpec is a listener to be created.
type ListenerSpec struct {
	LoadBalancerARN string
	Port            int
	Protocol        string
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

// CreateListener makes a listener and its default rule.
//
// Errors: LoadBalancerNotFound, DuplicateListener, TooManyListeners, and those of actions (see CreateRule).
func (b *Balance) CreateListener(tx *state.Tx, scope network.Scope, s ListenerSpec) (*Listener, error) {
	lb, err := b.LoadBalancer(tx, scope, s.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	if err := b.portFree(tx, lb, "", s.Port); err != nil {
		return nil, err
	}
	if len(b.ListenersOf(tx, lb.ARN)) >= MaxListeners {
		return nil, ErrTooManyListeners.New("The maximum number of listeners per load balancer has been reached: '%d'", MaxListeners)
	}
	if err := b.checkAction(tx, lb, s.Action, s.Protocol, s.Port); err != nil {
		return nil, err
	}
	l := &Listener{
		Scope: scope, ARN: listenerARN(lb.ARN, newID()), LoadBalancerARN: lb.ARN, Port: s.Port, Protocol: s.Protocol, CreatedAt: stamp(s.Now),
	}
	b.Listeners.Put(tx, l)
	b.Rules.Put(tx, &Rule{Scope: scope, ARN: ruleARN(l.ARN, newID()), ListenerARN: l.ARN, LoadBalancerARN: lb.ARN, Action: s.Action})
	return l, b.SetTags(tx, l.ARN, s.Tags)
}

// ListenerChange is what may change of a listener; zero values leave it.
type ListenerChange struct {
	Port     int
	Protocol string
	Action   *Action
}

// ModifyListener changes a listener.
func (b *Balance) ModifyListener(tx *state.Tx, scope network.Scope, arn string, change ListenerChange) (*Listener, error) {
	l, err := b.Listener(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	lb, err := b.LoadBalancer(tx, scope, l.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	c := *l
	if change.Port != 0 {
		c.Port = change.Port
	}
	if change.Protocol != "" {
		c.Protocol = change.Protocol
	}
	if err := b.portFree(tx, lb, arn, c.Port); err != nil {
		return nil, err
	}
	rule := b.DefaultRule(tx, arn)
	next := *rule
	if change.Action != nil {
		next.Action = *change.Action
	}
	if err := b.checkAction(tx, lb, next.Action, c.Protocol, c.Port); err != nil {
		return nil, err
	}
	b.Listeners.Put(tx, &c)
	b.Rules.Put(tx, &next)
	return &c, nil
}

// SetListenerAttributes changes a listener's attributes.
func (b *Balance) SetListenerAttributes(tx *state.Tx, l *Listener, a ListenerAttributes) *Listener {
	c := *l
	c.Attributes = a
	b.Listeners.Put(tx, &c)
	return &c
}

// DeleteListener deletes a listener with its rules.
func (b *Balance) DeleteListener(tx *state.Tx, scope network.Scope, arn string) error {
	l, err := b.Listener(tx, scope, arn)
	if err != nil {
		return err
	}
	b.removeListener(tx, l)
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
