package task

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
)

// Lifecycle writes wishes for tasks. Loop fulfils them.
type Lifecycle struct {
	tables *Tables
	outbox *event.Outbox
	clock  clock.Clock
}

// NewLifecycle needs the tables wishes go to and the outbox that tells of them.
func NewLifecycle(tables *Tables, outbox *event.Outbox, c clock.Clock) *Lifecycle {
	return &Lifecycle{tables: tables, outbox: outbox, clock: c}
}

// Tables are the rows the lifecycle writes, for those who read or watch them.
func (l *Lifecycle) Tables() *Tables { return l.tables }

const latestPlatform = "1.4.0"

// Run wishes for one task. It checks the overrides and nothing else: that the definition may run this way, and that cluster,
// subnet and groups exist, is for the caller to know.
func (l *Lifecycle) Run(tx *state.Tx, s RunSpec) (*Task, error) {
	d, err := s.Definition.With(s.Overrides)
	if err != nil {
		return nil, err
	}
	if _, known := l.tables.Definitions.Get(tx, s.Definition.ARN); !known {
		l.tables.Definitions.Put(tx, s.Definition)
	}
	t := s.task(d, l.now())
	l.tables.Tasks.Put(tx, t)
	l.emit(tx, t)
	return t, nil
}

// Stop wishes a task stopped. The first wish counts; one for a task that is stopping or has stopped changes nothing, and neither
// does one for a task that is not there.
func (l *Lifecycle) Stop(tx *state.Tx, taskARN string, code StopCode, reason string) error {
	row, ok := l.tables.Tasks.Get(tx, taskARN)
	if !ok || row.Desired == Stopped {
		return nil
	}
	t := row.clone()
	t.wishStop(code, reason)
	l.put(tx, row, t)
	return nil
}

// Tag replaces a task's tags.
func (l *Lifecycle) Tag(tx *state.Tx, taskARN string, tags []Tag) error {
	row, ok := l.tables.Tasks.Get(tx, taskARN)
	if !ok {
		return fmt.Errorf("task %s: not there", taskARN)
	}
	t := row.clone()
	t.Tags = tags
	l.tables.Tasks.Put(tx, t)
	return nil
}

func (l *Lifecycle) now() time.Time { return stamp(l.clock.Now()) }

// stamp is a time as rows keep it: as precise as AWS shows, and equal to itself after a restart.
func stamp(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Millisecond) }

// put stores the changed task if it changed, and emits a fact if what changed can be seen.
func (l *Lifecycle) put(tx *state.Tx, before, after *Task) {
	if visible(before, after) {
		after.Version++
		l.emit(tx, after)
	}
	l.tables.Tasks.Put(tx, after)
}

func (t *Task) wishStop(code StopCode, reason string) {
	if t.Desired == Stopped {
		return
	}
	t.Desired, t.StopCode, t.StoppedReason = Stopped, code, reason
}

// clone copies what Loop and Lifecycle change in place.
func (t *Task) clone() *Task {
	c := *t
	c.Containers = slices.Clone(t.Containers)
	return &c
}

func (s *RunSpec) task(d *Definition, now time.Time) *Task {
	id := newID()
	t := &Task{
		ARN: arn.New("ecs", s.Region, s.Account, "task/"+s.ClusterName+"/"+id), ID: id,
		Account: s.Account, Region: s.Region, ClusterARN: s.ClusterARN, DefinitionARN: s.Definition.ARN,
		Group: s.Group, StartedBy: s.StartedBy, ServiceARN: s.ServiceARN, DeploymentID: s.DeploymentID,
		LaunchType: s.LaunchType, CapacityProvider: s.CapacityProvider,
		PlatformVersion: s.PlatformVersion, PlatformFamily: "Linux", Architecture: d.Architecture,
		Overrides: s.Overrides, Tags: s.Tags, EnableExecute: s.EnableExecute,
		CPU: d.CPU, Memory: d.Memory, EphemeralGiB: d.EphemeralGiB,
		Desired: Running, Status: Provisioning, Version: 1,
		AvailabilityZone: s.AvailabilityZone, SubnetID: s.SubnetID, SecurityGroups: s.SecurityGroups, AssignPublicIP: s.AssignPublicIP,
		Attachment: Attachment{ID: uuid.NewString(), Status: AttachmentPrecreated},
		Health:     Unknown, CreatedAt: now,
		Targets: s.Targets,
	}
	if t.Group == "" {
		t.Group = "family:" + d.Family
	}
	if t.LaunchType == "" {
		t.LaunchType = "FARGATE"
	}
	if t.PlatformVersion == "" || t.PlatformVersion == "LATEST" {
		t.PlatformVersion = latestPlatform
	}
	if t.Architecture == "" {
		t.Architecture = machine
	}
	if t.EphemeralGiB == 0 {
		t.EphemeralGiB = 20
	}
	for i := range d.Containers {
		cd := &d.Containers[i]
		container := containerID(id, cd.Name, 0)
		t.Containers = append(t.Containers, Container{
			Name: cd.Name, ID: container, RuntimeID: container, Image: cd.Image, Essential: cd.Essential,
			ARN: arn.New("ecs", s.Region, s.Account, "container/"+s.ClusterName+"/"+id+"/"+uuid.NewString()),
			CPU: cd.CPU, Memory: cd.Memory, MemoryReservation: cd.MemoryReservation,
			Status: Pending, Health: Unknown,
			Log: cd.Log.spec(t, cd.Name),
		})
	}
	return t
}

// newID is a task's id: 32 hexadecimal digits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// idOf is the task's id in its ARN.
func idOf(taskARN string) string { return taskARN[strings.LastIndexByte(taskARN, '/')+1:] }
