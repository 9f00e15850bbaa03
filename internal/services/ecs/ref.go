package ecs

import (
	"strconv"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

func scopeOf(call *aws.Call) Scope { return Scope{call.Account, call.Region} }

func (s Scope) arn(resource string) string { return arn.New("ecs", s.Region, s.Account, resource) }

// resource is what follows kind in an ARN of this scope: "web" of "arn:…:cluster/web". A plain name is returned as it is; an ARN of
// something or somewhere else is no reference.
func (s Scope) resource(ref, kind string) (string, bool) {
	if !arn.Is(ref) {
		return ref, true
	}
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "ecs" || a.Account != s.Account || a.Region != s.Region {
		return "", false
	}
	return strings.CutPrefix(a.Resource, kind+"/")
}

// clusterARN is the ARN a reference stands for; absent means the default cluster.
func (s Scope) clusterARN(ref *string) (string, error) {
	if aws.Val(ref) == "" {
		return s.arn("cluster/default"), nil
	}
	name, ok := s.resource(*ref, "cluster")
	if !ok || !clusterName.MatchString(name) {
		return "", ecsapi.ErrInvalidParameterException.New("Invalid identifier: Identifier is for %s. Your accountId is %s", *ref, s.Account)
	}
	return s.arn("cluster/" + name), nil
}

// cluster finds an ACTIVE cluster.
func (s *Service) cluster(tx *state.Tx, scope Scope, ref *string) (*Cluster, error) {
	id, err := scope.clusterARN(ref)
	if err != nil {
		return nil, err
	}
	c, ok := s.Tables.Clusters.Get(tx, id)
	if !ok {
		return nil, ecsapi.ErrClusterNotFoundException.New("Cluster not found.")
	}
	if c.Status != "ACTIVE" {
		return nil, ecsapi.ErrClusterNotFoundException.New("The referenced cluster was inactive.")
	}
	return c, nil
}

// serviceARN is the ARN of a service by name or ARN. An ARN names its cluster itself.
func (s Scope) serviceARN(cluster *Cluster, ref string) (string, bool) {
	name, ok := s.resource(ref, "service")
	if !ok {
		return "", false
	}
	if arn.Is(ref) && strings.Contains(name, "/") {
		return ref, strings.HasPrefix(name, cluster.Name+"/")
	}
	return s.arn("service/" + cluster.Name + "/" + name), true
}

// service finds a service in whatever state.
func (s *Service) service(tx *state.Tx, scope Scope, cluster *Cluster, ref string) (*deploy.Service, error) {
	id, ok := scope.serviceARN(cluster, ref)
	if !ok {
		return nil, ecsapi.ErrServiceNotFoundException.New("Service not found.")
	}
	row, ok := s.Deploy.Services.Get(tx, id)
	if !ok {
		return nil, ecsapi.ErrServiceNotFoundException.New("Service not found.")
	}
	return row, nil
}

// taskARN is the ARN of a task by id or ARN.
func (s Scope) taskARN(cluster *Cluster, ref string) (string, bool) {
	id, ok := s.resource(ref, "task")
	if !ok {
		return "", false
	}
	if arn.Is(ref) && strings.Contains(id, "/") {
		return ref, strings.HasPrefix(id, cluster.Name+"/")
	}
	return s.arn("task/" + cluster.Name + "/" + id), true
}

func (s *Service) task(tx *state.Tx, scope Scope, cluster *Cluster, ref string) (*task.Task, bool) {
	id, ok := scope.taskARN(cluster, ref)
	if !ok {
		return nil, false
	}
	return s.Tasks.Tasks.Get(tx, id)
}

// definition finds a task definition by ARN, family:revision, or family, which is its newest ACTIVE revision.
func (s *Service) definition(tx *state.Tx, scope Scope, ref string) (*TaskDefinition, bool) {
	id, ok := scope.resource(ref, "task-definition")
	if !ok {
		return nil, false
	}
	family, number, given := strings.Cut(id, ":")
	if !given {
		f, ok := s.Tables.Families.Get(tx, scope.familyKey(family))
		if !ok || f.Active == 0 {
			return nil, false
		}
		return s.Tables.Definitions.Get(tx, scope.definitionKey(family, f.Active))
	}
	revision, err := strconv.Atoi(number)
	if err != nil || revision < 1 || strconv.Itoa(revision) != number { // family:01 names nothing
		return nil, false
	}
	return s.Tables.Definitions.Get(tx, scope.definitionKey(family, revision))
}

// runnable finds a task definition that tasks may be started from.
func (s *Service) runnable(tx *state.Tx, scope Scope, ref string) (*TaskDefinition, error) {
	d, ok := s.definition(tx, scope, ref)
	switch {
	case !ok || aws.Val(d.Shape.Status) == ecsapi.TaskDefinitionStatusDeleteInProgress:
		return nil, ecsapi.ErrClientException.New("TaskDefinition not found.")
	case aws.Val(d.Shape.Status) != ecsapi.TaskDefinitionStatusActive:
		return nil, ecsapi.ErrClientException.New("TaskDefinition is inactive")
	}
	return d, nil
}
