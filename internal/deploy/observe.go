package deploy

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// input reads what Plan needs to know of a service: its rows and its tasks, nothing else's.
func (s *Scheduler) input(tx *state.Tx, serviceARN string) (Input, bool) {
	service, ok := s.Tables.Services.Get(tx, serviceARN)
	if !ok {
		return Input{}, false
	}
	in := Input{Now: stamp(s.Clock.Now()), Timing: NewTiming(s.Clock), Service: service}
	in.Deployments = s.Tables.DeploymentsOf(tx, serviceARN)
	if back, ok := s.Tables.Deployment(tx, serviceARN, service.Completed); ok && !back.live() {
		in.Deployments = append(in.Deployments, back)
	}
	if r, ok := s.Tables.Releases.Get(tx, service.Release); ok {
		in.Release = r
	}
	checked := map[string][]string{}
	for _, d := range in.Deployments {
		checked[d.ID] = d.Revision.checked()
		if d.ID == service.Primary {
			in.Subnets = s.subnets(tx, d)
		}
	}
	for p := range s.Tables.Placements.All(tx, serviceARN+"|") {
		in.Tasks = append(in.Tasks, s.task(tx, p, checked[p.Deployment]))
	}
	return in, true
}

func (s *Scheduler) subnets(tx *state.Tx, d *Deployment) []Subnet {
	subnets := make([]Subnet, 0, len(d.Revision.Network.Subnets))
	for _, id := range d.Revision.Network.Subnets {
		zone, _ := s.Zones.Zone(tx, id)
		subnets = append(subnets, Subnet{ID: id, Zone: zone})
	}
	return subnets
}

// task is a placed task as observed, given its essential containers with a health check. One whose row is gone has stopped.
//
// A task with another essential container is UNKNOWN to DescribeTasks, but a service with such a sidecar does become steady: what counts is
// whether "all essential containers within the task have passed their health checks" ("DeploymentConfiguration").
func (s *Scheduler) task(tx *state.Tx, p *Placement, checked []string) Task {
	row, ok := s.TaskTable.Get(tx, p.TaskARN)
	if !ok {
		return Task{ARN: p.TaskARN, ID: taskID(p.TaskARN), Placement: p, Status: task.Stopped}
	}
	t := Task{
		ARN: row.ARN, ID: row.ID, Placement: p,
		Wanted: row.Desired == task.Running && row.Status != task.Stopped, Status: row.Status, Occupies: occupies(row),
		Subnet: row.SubnetID, Zone: row.AvailabilityZone, Provider: row.CapacityProvider,
		CreatedAt: row.CreatedAt, StartedAt: row.StartedAt, StoppingAt: row.StoppingAt, StopCode: row.StopCode, StoppedReason: row.StoppedReason,
		Checked: len(checked) > 0, Container: row.HealthOf(checked),
	}
	for _, target := range row.Targets {
		t.Targets = append(t.Targets, s.target(tx, row, target))
	}
	return t
}

func (s *Scheduler) target(tx *state.Tx, row *task.Task, t task.Target) Target {
	out := Target{Group: t.TargetGroupARN, Port: t.ContainerPort}
	if s.Targets == nil || row.Attachment.PrivateIP == "" {
		return out
	}
	if health, description, ok := s.Targets.Health(tx, t.TargetGroupARN, row.Attachment.PrivateIP, t.ContainerPort); ok {
		out.State, out.Reason = TargetState(health), strings.TrimSuffix(description, ".")
	}
	return out
}

// occupies is whether a task still takes the place of another one: until the last of its containers has stopped, so that
// maximumPercent limits what runs and not what is listed as running.
func occupies(t *task.Task) bool {
	if !t.Status.Before(task.Deprovisioning) {
		return false
	}
	for i := range t.Containers {
		if t.Containers[i].Status == task.Running {
			return true
		}
	}
	return t.Desired == task.Running
}

// stamp is a time as rows keep it: as precise as AWS shows, and equal to itself after a restart.
func stamp(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Millisecond) }

func taskID(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
