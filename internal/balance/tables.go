package balance

import (
	"strconv"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Tables are the engine's rows. Everything but targets and health is keyed by ARN; indexes named "scope" list an account's rows
// of one region.
type Tables struct {
	LoadBalancers *state.Table[LoadBalancer]
	Listeners     *state.Table[Listener]
	Rules         *state.Table[Rule]
	TargetGroups  *state.Table[TargetGroup]
	Targets       *state.Table[Target]
	TrustStores   *state.Table[TrustStore]
	Revocations   *state.Table[Revocation]
	Tags          *state.Table[TagSet]

	Healths *state.Table[Health]   // what edge last said about targets
	Edge    *state.Table[Progress] // one row: generations assigned to snapshots
	Secrets *state.Table[Secret]   // one row: what seals cookies
	acked   *state.Table[Progress] // volatile, one row: the generation edge serves
}

// NewTables adds the engine's tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		LoadBalancers: state.AddTable(s, "balance.loadbalancer", func(l *LoadBalancer) string { return l.ARN },
			state.Index("scope", func(l *LoadBalancer) []string { return []string{l.Scope.Key()} }),
			state.Index("name", func(l *LoadBalancer) []string { return []string{nameKey(l.Scope, l.Name)} }),
			state.Index("dns", func(l *LoadBalancer) []string { return []string{l.DNSName} }),
			state.Index("loopback", func(l *LoadBalancer) []string { return []string{l.Loopback.String()} }),
			state.Index("interface", (*LoadBalancer).interfaces)),
		Listeners: state.AddTable(s, "balance.listener", func(l *Listener) string { return l.ARN },
			state.Index("loadbalancer", func(l *Listener) []string { return []string{l.LoadBalancerARN} }),
			state.Index("certificate", (*Listener).certificates),
			state.Index("truststore", (*Listener).trustStore)),
		Rules: state.AddTable(s, "balance.rule", func(r *Rule) string { return r.ARN },
			state.Index("listener", func(r *Rule) []string { return []string{r.ListenerARN} }),
			state.Index("loadbalancer", func(r *Rule) []string { return []string{r.LoadBalancerARN} }),
			state.Index("targetgroup", func(r *Rule) []string { return r.Action.TargetGroups() })),
		TargetGroups: state.AddTable(s, "balance.targetgroup", func(g *TargetGroup) string { return g.ARN },
			state.Index("scope", func(g *TargetGroup) []string { return []string{g.Scope.Key()} }),
			state.Index("name", func(g *TargetGroup) []string { return []string{nameKey(g.Scope, g.Name)} })),
		Targets: state.AddTable(s, "balance.target", func(t *Target) string { return targetKey(t.TargetGroupARN, t.ID, t.Port) },
			state.Index("draining", (*Target).drainIndex),
			state.Index("id", func(t *Target) []string { return []string{t.ID} })),
		TrustStores: state.AddTable(s, "balance.truststore", func(t *TrustStore) string { return t.ARN },
			state.Index("scope", func(t *TrustStore) []string { return []string{t.Scope.Key()} }),
			state.Index("name", func(t *TrustStore) []string { return []string{nameKey(t.Scope, t.Name)} })),
		Revocations: state.AddTable(s, "balance.revocation", func(r *Revocation) string { return revocationKey(r.TrustStoreARN, r.ID) }),
		Tags:        state.AddTable(s, "balance.tags", func(t *TagSet) string { return t.ARN }),
		Healths:     state.AddTable(s, "balance.health", func(h *Health) string { return targetKey(h.TargetGroupARN, h.ID, h.Port) }),
		Edge:        state.AddTable(s, "balance.edge", func(*Progress) string { return "edge" }),
		Secrets:     state.AddTable(s, "balance.secret", func(*Secret) string { return "cookies" }),
		acked:       state.AddTable(s, "balance.acknowledged", func(*Progress) string { return "edge" }, state.Volatile[Progress]()),
	}
}

func nameKey(s network.Scope, name string) string { return s.Key() + "/" + name }

// targetKey begins with the group, so that a group's targets are the rows under groupPrefix.
func targetKey(group, id string, port int) string {
	return groupPrefix(group) + id + ":" + strconv.Itoa(port)
}

func groupPrefix(group string) string { return group + "|" }
