package ecs

import (
	"slices"
	"strconv"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// allParts is what operations that change a cluster show of it.
var allParts = []string{ecsapi.ClusterFieldAttachments, ecsapi.ClusterFieldConfigurations, ecsapi.ClusterFieldSettings, ecsapi.ClusterFieldTags}

// describeCluster counts and describes a cluster. Parts that are not asked for are empty, as on AWS.
func (s *Service) describeCluster(tx *state.Tx, c *Cluster, include []string) *ecsapi.Cluster {
	n := s.countCluster(tx, c)
	out := &ecsapi.Cluster{
		ClusterArn: &c.ARN, ClusterName: &c.Name, Status: &c.Status,
		RegisteredContainerInstancesCount: new(int32(0)),
		RunningTasksCount:                 new(n.running), PendingTasksCount: new(n.pending), ActiveServicesCount: new(n.active),
		Statistics: []ecsapi.KeyValuePair{}, Tags: []ecsapi.Tag{}, Settings: []ecsapi.ClusterSetting{},
		CapacityProviders: nonNil(c.Providers), DefaultCapacityProviderStrategy: nonNil(c.Strategy),
	}
	if slices.Contains(include, ecsapi.ClusterFieldSettings) {
		out.Settings = c.Settings
	}
	if slices.Contains(include, ecsapi.ClusterFieldConfigurations) {
		out.Configuration = c.Configuration
	}
	if slices.Contains(include, ecsapi.ClusterFieldTags) {
		out.Tags = nonNil(c.Tags)
	}
	if slices.Contains(include, ecsapi.ClusterFieldStatistics) {
		out.Statistics = n.statistics()
	}
	return out
}

// counts are a cluster's, all of them Fargate's.
type counts struct{ running, pending, active, draining int32 }

func (s *Service) countCluster(tx *state.Tx, c *Cluster) (n counts) {
	for t := range s.Tasks.Tasks.By(tx, task.ByCluster, c.ARN) {
		switch {
		case t.Status == task.Running:
			n.running++
		case t.Status.Before(task.Running):
			n.pending++
		}
	}
	for _, svc := range s.Deploy.ServicesOf(tx, c.ARN) {
		if svc.Status == deploy.Active {
			n.active++
		} else {
			n.draining++
		}
	}
	return n
}

func (n counts) statistics() []ecsapi.KeyValuePair {
	var out []ecsapi.KeyValuePair
	for _, s := range []struct {
		name  string
		value int32
	}{
		{"runningEC2TasksCount", 0},
		{"runningFargateTasksCount", n.running},
		{"pendingEC2TasksCount", 0},
		{"pendingFargateTasksCount", n.pending},
		{"runningExternalTasksCount", 0},
		{"pendingExternalTasksCount", 0},
		{"activeEC2ServiceCount", 0},
		{"activeFargateServiceCount", n.active},
		{"drainingEC2ServiceCount", 0},
		{"drainingFargateServiceCount", n.draining},
		{"activeExternalServiceCount", 0},
		{"drainingExternalServiceCount", 0},
	} {
		out = append(out, ecsapi.KeyValuePair{Name: new(s.name), Value: new(strconv.Itoa(int(s.value)))})
	}
	return out
}

// nonNil is a list that is there even when it is empty.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
