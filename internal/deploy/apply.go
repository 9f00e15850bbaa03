package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// apply carries a plan out in one transaction and returns when to look again.
func (s *Scheduler) apply(tx *state.Tx, in Input, changes []Change) (wake time.Time, err error) {
	arn := in.Service.ARN
	var starts []Start
	for _, change := range changes {
		switch c := change.(type) {
		case Start:
			starts = append(starts, c)
		case Stop:
			if err := s.Tasks.Stop(tx, c.Task, task.ServiceSchedulerInitiated, c.Reason); err != nil {
				return wake, fmt.Errorf("stop task %s: %w", c.Task, err)
			}
		case Say:
			s.Tables.say(tx, arn, in.Now, c.Message)
		case Tell:
			if err := s.tell(tx, in, c); err != nil {
				return wake, err
			}
		case SetService:
			row, ok := s.Tables.Services.Get(tx, arn)
			if !ok {
				return wake, errGone
			}
			next := *row
			next.Status, next.Primary, next.Completed, next.Observed = c.Status, c.Primary, c.Completed, c.Observed
			s.Tables.Services.Put(tx, &next)
		case SetDeployment:
			s.Tables.Deployments.Put(tx, c.Deployment)
		case SetRelease:
			s.Tables.Releases.Put(tx, c.Release)
		case SetPlacement:
			s.Tables.Placements.Put(tx, c.Placement)
		case Forget:
			s.Tables.Placements.Delete(tx, placementKey(arn, c.Task))
		case ForgetService:
			s.Tables.forget(tx, arn)
			return time.Time{}, nil
		case WakeAt:
			wake = c.At
		default:
			return wake, fmt.Errorf("unknown change %T", c)
		}
	}
	return wake, s.startAll(tx, in, starts)
}

// startAll runs tasks and tells of them. The first that cannot be placed ends the attempt: the rest would meet the same obstacle.
func (s *Scheduler) startAll(tx *state.Tx, in Input, starts []Start) error {
	var ids []string
	replaced := 0
	flush := func() {
		if len(ids) == 0 {
			return
		}
		message := text(in.Service.Name, "has started %d tasks: %s.", len(ids), taskList(ids))
		if replaced > 0 {
			message += fmt.Sprintf(" Amazon ECS replaced %d tasks due to an unhealthy status.", replaced)
		}
		s.Tables.say(tx, in.Service.ARN, in.Now, message)
		ids, replaced = nil, 0
	}
	for _, start := range starts {
		row, err := s.run(tx, in.Service, start)
		if err != nil {
			flush()
			return s.unplaced(tx, in, start, err)
		}
		s.Tables.Placements.Put(tx, &Placement{ServiceARN: in.Service.ARN, TaskARN: row.ARN, Deployment: start.Deployment, Rebalance: start.Why == StartBalance})
		if start.Why == StartBalance {
			s.Tables.say(tx, in.Service.ARN, in.Now, text(in.Service.Name, "has started 1 tasks in %s to AZ Rebalance: %s.", start.Zone, taskList([]string{row.ID})))
			continue
		}
		ids = append(ids, row.ID)
		if start.Why == StartReplace {
			replaced++
		}
		if len(ids) == listed {
			flush()
		}
	}
	flush()
	return nil
}

// run starts one task in the first subnet that takes it.
func (s *Scheduler) run(tx *state.Tx, service *Service, start Start) (row *task.Task, err error) {
	d, ok := s.Tables.Deployment(tx, service.ARN, start.Deployment)
	if !ok {
		return nil, fmt.Errorf("deployment %s: gone", start.Deployment)
	}
	if len(start.Subnets) == 0 {
		return nil, errNoSubnet
	}
	for _, subnet := range start.Subnets {
		zone, _ := s.Zones.Zone(tx, subnet)
		if row, err = s.Tasks.Run(tx, spec(service, d, start.Provider, subnet, zone)); err == nil {
			return row, nil
		}
		if refused := new(awserr.Error); !errors.As(err, &refused) {
			return nil, err
		}
	}
	return nil, err
}

var errNoSubnet = &awserr.Error{Code: "InvalidParameterException", Message: "no subnet"}

// spec is the wish for one task of a deployment.
func spec(service *Service, d *Deployment, provider, subnet, zone string) task.RunSpec {
	r := &d.Revision
	return task.RunSpec{
		Account: service.Account, Region: service.Region,
		ClusterARN: service.ClusterARN, ClusterName: service.ClusterName,
		Definition: r.Definition,
		Group:      "service:" + service.Name,
		StartedBy:  d.ID, ServiceARN: service.ARN, DeploymentID: d.ID,
		LaunchType: r.LaunchType, CapacityProvider: provider, PlatformVersion: r.PlatformVersion,
		SubnetID: subnet, AvailabilityZone: zone,
		SecurityGroups: r.Network.SecurityGroups, AssignPublicIP: r.Network.AssignPublicIP,
		Targets: r.LoadBalancers, Tags: taskTags(service, r), EnableExecute: service.Execute,
	}
}

// taskTags are the tags of a service's new task: those it propagates, and ECS's own.
// AWS: "How Amazon ECS resources are tagged".
func taskTags(service *Service, r *Revision) []task.Tag {
	var tags []task.Tag
	switch service.PropagateTags {
	case "SERVICE":
		tags = append(tags, service.Tags...)
	case "TASK_DEFINITION":
		tags = append(tags, r.DefinitionTags...)
	}
	if service.ManagedTags {
		tags = append(tags, task.Tag{Key: "aws:ecs:clusterName", Value: service.ClusterName}, task.Tag{Key: "aws:ecs:serviceName", Value: service.Name})
	}
	return tags
}

// unplaced accounts for a task that could not even be accepted.
func (s *Scheduler) unplaced(tx *state.Tx, in Input, start Start, cause error) error {
	refused := new(awserr.Error)
	if !errors.As(cause, &refused) {
		return cause
	}
	row, ok := s.Tables.Services.Get(tx, in.Service.ARN)
	if !ok {
		return errGone
	}
	d, ok := s.Tables.Deployment(tx, in.Service.ARN, start.Deployment)
	if !ok {
		return errGone
	}
	service, deployment := *row, *d
	service.Observed.Said = append([]Said(nil), row.Observed.Said...)
	deployment.Failed++
	deployment.UpdatedAt = in.Now
	messages := []string{text(service.Name, "was unable to place a task. Reason: %s", sentence(refused.Message))}
	if setback(&deployment, in.Now, in.Timing) {
		messages = append(messages, text(service.Name, inconsistently))
	}
	for _, m := range messages {
		if note(&service.Observed, m, in.Now, in.Timing) {
			s.Tables.say(tx, service.ARN, in.Now, m)
		}
	}
	s.Tables.Services.Put(tx, &service)
	s.Tables.Deployments.Put(tx, &deployment)
	return s.tell(tx, in, Tell{Level: "ERROR", Name: "SERVICE_TASK_PLACEMENT_FAILURE", Reason: refused.Message})
}

// tell emits a fact for EventBridge.
func (s *Scheduler) tell(tx *state.Tx, in Input, t Tell) error {
	return emit(tx, s.Facts, in.Service, in.Now, t)
}

func emit(tx *state.Tx, facts Facts, service *Service, now time.Time, t Tell) error {
	if facts == nil {
		return nil
	}
	at := now.UTC().Format("2006-01-02T15:04:05.000Z")
	detail := map[string]string{"eventType": t.Level, "eventName": t.Name}
	kind := "ECS Service Action"
	if t.Deployment != "" {
		kind = "ECS Deployment State Change"
		detail["deploymentId"], detail["updatedAt"] = t.Deployment, at
	} else {
		detail["clusterArn"], detail["createdAt"] = service.ClusterARN, at
	}
	if t.Reason != "" {
		detail["reason"] = t.Reason
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("event %s: %w", t.Name, err)
	}
	facts.Emit(tx, event.Fact{
		Time: now, Account: service.Account, Region: service.Region, Source: "aws.ecs", DetailType: kind,
		Resources: []string{service.ARN}, Detail: raw,
	})
	return nil
}
