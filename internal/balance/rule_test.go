package balance_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/state"
)

var path = []balance.Condition{{Field: balance.FieldPath, Values: []string{"/api/*"}}}

func TestRules(t *testing.T) {
	g := balancetest.New(t)
	tg, elsewhere, free := g.TargetGroup(t, "web"), g.TargetGroup(t, "elsewhere"), g.TargetGroup(t, "free")
	lb, other := g.LoadBalancer(t, "web"), g.LoadBalancer(t, "other")
	l := g.Listener(t, lb, 80, tg)
	g.Listener(t, other, 80, elsewhere)

	create := func(priority int, conditions []balance.Condition, a balance.Action) (r *balance.Rule, err error) {
		err = g.Store.Update(t.Context(), func(tx *state.Tx) (err error) {
			r, err = g.Balance.CreateRule(tx, balancetest.Scope, balance.RuleSpec{ListenerARN: l.ARN, Priority: priority, Conditions: conditions, Action: a})
			return err
		})
		return r, err
	}
	ten, err := create(10, path, balancetest.Forward(tg))
	if err != nil {
		t.Fatal(err)
	}
	twenty, err := create(20, path, balancetest.Forward(free))
	if err != nil {
		t.Fatal(err)
	}

	many := []balance.Condition{{Field: balance.FieldHost, Values: strings.Split("a b c d e f", " ")}}
	wild := []balance.Condition{{Field: balance.FieldPath, Values: []string{"/*/*/*/*/*/*/*"}}}
	loop := balance.Action{Redirect: &balance.Redirect{Protocol: "#{protocol}", Host: "#{host}", Port: "80", Path: "/#{path}", Query: "#{query}", StatusCode: 301}}
	missing := balancetest.Forward(&balance.TargetGroup{ARN: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1"})
	for _, c := range []struct {
		name       string
		priority   int
		conditions []balance.Condition
		action     balance.Action
		want       string
	}{
		{"priority", 10, path, balancetest.Forward(tg), "PriorityInUse: Priority '10' is currently in use"},
		{"values", 30, many, balancetest.Forward(tg), "ValidationError: A rule can only have '5' condition values"},
		{"wildcards", 30, wild, balancetest.Forward(tg), "ValidationError: A rule can only have '5' wildcards"},
		{"loop", 30, path, loop, "InvalidLoadBalancerAction: The redirect configuration is not valid because it creates a loop"},
		{"missing group", 30, path, missing, "TargetGroupNotFound: Target groups 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/1' not found"},
		{"group of another", 30, path, balancetest.Forward(elsewhere), "TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load balancer: " + elsewhere.ARN},
	} {
		if _, err := create(c.priority, c.conditions, c.action); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v\nwant %s", c.name, err, c.want)
		}
	}

	move := func(priorities map[string]int) error {
		return g.Store.Update(t.Context(), func(tx *state.Tx) error {
			_, err := g.Balance.SetPriorities(tx, balancetest.Scope, priorities)
			return err
		})
	}
	if err := move(map[string]int{ten.ARN: 20}); err == nil || err.Error() != "PriorityInUse: Priority '20' is currently in use" {
		t.Errorf("taken priority: %v", err)
	}
	if err := move(map[string]int{ten.ARN: 20, twenty.ARN: 10}); err != nil {
		t.Errorf("changing places: %v", err)
	}
	order := g.Balance.RulesOf(g.Store.View(), l.ARN)
	if len(order) != 3 || order[0].ARN != twenty.ARN || order[1].ARN != ten.ARN || !order[2].Default() {
		t.Errorf("order after changing places: %v", order)
	}
	byDefault := order[2].ARN
	if err := move(map[string]int{byDefault: 5}); err == nil || err.Error() != "OperationNotPermitted: Default rule '"+byDefault+"' cannot be modified" {
		t.Errorf("default rule moved: %v", err)
	}
	err = g.Store.Update(t.Context(), func(tx *state.Tx) error { return g.Balance.DeleteRule(tx, balancetest.Scope, byDefault) })
	if err == nil || err.Error() != "OperationNotPermitted: Default rule '"+byDefault+"' cannot be deleted" {
		t.Errorf("default rule deleted: %v", err)
	}
	err = g.Store.Update(t.Context(), func(tx *state.Tx) error { return g.Balance.DeleteTargetGroup(tx, balancetest.Scope, free.ARN) })
	if err == nil || err.Error() != "ResourceInUse: Target group '"+free.ARN+"' is currently in use by a listener or a rule" {
		t.Errorf("group in use deleted: %v", err)
	}
	g.Do(t, func(tx *state.Tx) error {
		if err := g.Balance.DeleteRule(tx, balancetest.Scope, twenty.ARN); err != nil {
			return err
		}
		return g.Balance.DeleteTargetGroup(tx, balancetest.Scope, free.ARN)
	})
}

// A listener that is asked for again is there already; one that differs in anything cannot be made.
func TestListenerAgain(t *testing.T) {
	g := balancetest.New(t)
	tg, lb := g.TargetGroup(t, "web"), g.LoadBalancer(t, "web")
	spec := func(change func(s *balance.ListenerSpec)) balance.ListenerSpec {
		s := balance.ListenerSpec{
			LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Action: balancetest.Forward(tg), Now: time.Now(),
			TLS: &balance.TLS{Policy: "ELBSecurityPolicy-2016-08", Certificates: []string{"first"}, Mutual: balance.Mutual{Mode: balance.MutualOff}},
		}
		change(&s)
		return s
	}
	create := func(s balance.ListenerSpec) (l *balance.Listener, err error) {
		err = g.Store.Update(t.Context(), func(tx *state.Tx) error {
			l, err = g.Balance.CreateListener(tx, balancetest.Scope, s)
			return err
		})
		return l, err
	}
	first, err := create(spec(func(*balance.ListenerSpec) {}))
	if err != nil {
		t.Fatal(err)
	}
	g.Do(t, func(tx *state.Tx) error { // what has been added since is no setting of the request
		_, err := g.Balance.AddCertificates(tx, first, []string{"another"})
		return err
	})
	for name, c := range map[string]struct {
		change func(s *balance.ListenerSpec)
		same   bool
	}{
		"same":  {func(*balance.ListenerSpec) {}, true},
		"order": {func(s *balance.ListenerSpec) { s.Action.Order = 1 }, true},
		"action": {func(s *balance.ListenerSpec) {
			s.Action = balance.Action{FixedResponse: &balance.FixedResponse{StatusCode: 200}}
		}, false},
		"certificate": {func(s *balance.ListenerSpec) { s.TLS.Certificates = []string{"another"} }, false},
		"policy":      {func(s *balance.ListenerSpec) { s.TLS.Policy = "ELBSecurityPolicy-TLS13-1-2-2021-06" }, false},
		"mutual":      {func(s *balance.ListenerSpec) { s.TLS.Mutual.Mode = balance.MutualPassthrough }, false},
		"protocol":    {func(s *balance.ListenerSpec) { s.Protocol, s.TLS = "HTTP", nil }, false},
	} {
		again, err := create(spec(c.change))
		switch {
		case c.same && (err != nil || again.ARN != first.ARN || len(again.TLS.Certificates) != 2):
			t.Errorf("%s: %+v, %v", name, again, err)
		case !c.same && !errors.Is(err, balance.ErrDuplicateListener):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListenerPorts(t *testing.T) {
	g := balancetest.New(t)
	tg := g.TargetGroup(t, "web")
	lb := g.LoadBalancer(t, "web")
	g.Listener(t, lb, 80, tg)
	second := g.Listener(t, lb, 81, tg)
	want := "DuplicateListener: A listener already exists on this port for this load balancer '" + lb.ARN + "'"
	err := g.Store.Update(t.Context(), func(tx *state.Tx) error {
		_, err := g.Balance.CreateListener(tx, balancetest.Scope, balance.ListenerSpec{
			LoadBalancerARN: lb.ARN, Port: 80, Protocol: "HTTP", Action: balance.Action{FixedResponse: &balance.FixedResponse{StatusCode: 200}}, Now: time.Now(),
		})
		return err
	})
	if err == nil || err.Error() != want {
		t.Errorf("create: %v", err)
	}
	err = g.Store.Update(t.Context(), func(tx *state.Tx) error {
		_, err := g.Balance.ModifyListener(tx, balancetest.Scope, second.ARN, balance.ListenerChange{Port: 80})
		return err
	})
	if err == nil || err.Error() != want {
		t.Errorf("modify: %v", err)
	}
	g.Do(t, func(tx *state.Tx) error {
		_, err := g.Balance.ModifyListener(tx, balancetest.Scope, second.ARN, balance.ListenerChange{Port: 81})
		return err
	})
}
