package deploy

import (
	"github.com/neargate/neargate/internal/state"
)

// Tables are deploy's rows.
type Tables struct {
	Services    *state.Table[Service]    // by ARN
	Deployments *state.Table[Deployment] // by service ARN and id
	Releases    *state.Table[Release]    // by ARN
	Placements  *state.Table[Placement]  // by service ARN and task ARN
	Events      *state.Table[Event]      // by service ARN and number
}

// Indexes.
const (
	byCluster     = "cluster"     // services that are ACTIVE or DRAINING, by cluster ARN
	byTargetGroup = "targetGroup" // live deployments, by target group ARN
	byDefinition  = "definition"  // live deployments, by task definition ARN
	byLive        = "live"        // live deployments, by service ARN
	byService     = "service"     // releases, by service ARN
)

// NewTables adds deploy's tables to a schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Services: state.AddTable(s, "deploy.service", func(r *Service) string { return r.ARN },
			state.Index(byCluster, func(r *Service) []string {
				if r.Status == Inactive {
					return nil
				}
				return []string{r.ClusterARN}
			})),
		Deployments: state.AddTable(s, "deploy.deployment", func(r *Deployment) string { return deploymentKey(r.ServiceARN, r.ID) },
			state.Index(byLive, func(r *Deployment) []string {
				if !r.live() {
					return nil
				}
				return []string{r.ServiceARN}
			}),
			state.Index(byDefinition, func(r *Deployment) []string {
				if !r.live() {
					return nil
				}
				return []string{r.Revision.DefinitionARN}
			}),
			state.Index(byTargetGroup, func(r *Deployment) []string {
				if !r.live() {
					return nil
				}
				var groups []string
				for _, lb := range r.Revision.LoadBalancers {
					groups = append(groups, lb.TargetGroupARN)
				}
				return groups
			})),
		Releases: state.AddTable(s, "deploy.release", func(r *Release) string { return r.ARN },
			state.Index(byService, func(r *Release) []string { return []string{r.ServiceARN} })),
		Placements: state.AddTable(s, "deploy.placement", func(r *Placement) string { return placementKey(r.ServiceARN, r.TaskARN) }),
		Events:     state.AddTable(s, "deploy.event", func(r *Event) string { return eventKey(r.ServiceARN, r.Number) }),
	}
}

// ServicesOf returns a cluster's services that are not INACTIVE, by name.
func (t *Tables) ServicesOf(tx *state.Tx, clusterARN string) []*Service {
	var services []*Service
	for s := range t.Services.By(tx, byCluster, clusterARN) {
		services = append(services, s)
	}
	return services
}

// DeploymentsOf returns a service's live deployments: the PRIMARY one, then ACTIVE ones, newest first.
func (t *Tables) DeploymentsOf(tx *state.Tx, service string) []*Deployment {
	var deployments []*Deployment
	for d := range t.Deployments.By(tx, byLive, service) {
		deployments = append(deployments, d)
	}
	sortDeployments(deployments)
	return deployments
}

// ReleasesOf returns a service's releases, newest first.
func (t *Tables) ReleasesOf(tx *state.Tx, service string) []*Release {
	var releases []*Release
	for r := range t.Releases.By(tx, byService, service) {
		releases = append(releases, r)
	}
	sortReleases(releases)
	return releases
}

// Deployment returns one deployment of a service, retired ones included.
func (t *Tables) Deployment(tx *state.Tx, service, id string) (*Deployment, bool) {
	return t.Deployments.Get(tx, deploymentKey(service, id))
}

// Uses is whether a live deployment of any service is of a task definition.
func (t *Tables) Uses(tx *state.Tx, definitionARN string) bool {
	for range t.Deployments.By(tx, byDefinition, definitionARN) {
		return true
	}
	return false
}
