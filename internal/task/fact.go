package task

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
)

// visible tells whether what a "Task State Change" event shows differs.
func visible(a, b *Task) bool {
	if a.Status != b.Status || a.Desired != b.Desired || a.Health != b.Health || a.Connectivity != b.Connectivity ||
		a.StoppedReason != b.StoppedReason || a.Attachment != b.Attachment {
		return true
	}
	for i := range a.Containers {
		x, y := &a.Containers[i], &b.Containers[i]
		if x.Status != y.Status || x.Health != y.Health || x.Reason != y.Reason || (x.ExitCode == nil) != (y.ExitCode == nil) {
			return true
		}
	}
	return false
}

func (l *Lifecycle) emit(tx *state.Tx, t *Task) {
	if l.outbox == nil {
		return
	}
	detail, err := json.Marshal(factOf(t, l.now()))
	if err != nil { // the types below always encode
		panic("task: encode fact: " + err.Error())
	}
	l.outbox.Emit(tx, event.Fact{
		Time: l.now(), Account: t.Account, Region: t.Region,
		Source: "aws.ecs", DetailType: "ECS Task State Change", Resources: []string{t.ARN}, Detail: detail,
	})
}

// fact is the detail of a "ECS Task State Change" event.
// AWS: "Amazon ECS task state change events".
type fact struct {
	Attachments          []factAttachment `json:"attachments"`
	Attributes           []factPair       `json:"attributes"`
	AvailabilityZone     string           `json:"availabilityZone,omitempty"`
	CapacityProviderName string           `json:"capacityProviderName,omitempty"`
	ClusterARN           string           `json:"clusterArn"`
	Connectivity         string           `json:"connectivity,omitempty"`
	ConnectivityAt       time.Time        `json:"connectivityAt,omitzero"`
	Containers           []factContainer  `json:"containers"`
	CPU                  string           `json:"cpu"`
	CreatedAt            time.Time        `json:"createdAt"`
	DesiredStatus        State            `json:"desiredStatus"`
	EnableExecuteCommand bool             `json:"enableExecuteCommand"`
	EphemeralStorage     map[string]int   `json:"ephemeralStorage"`
	ExecutionStoppedAt   time.Time        `json:"executionStoppedAt,omitzero"`
	Group                string           `json:"group"`
	HealthStatus         Health           `json:"healthStatus,omitempty"`
	LaunchType           string           `json:"launchType"`
	LastStatus           State            `json:"lastStatus"`
	Memory               string           `json:"memory"`
	Overrides            factOverrides    `json:"overrides"`
	PlatformVersion      string           `json:"platformVersion"`
	PullStartedAt        time.Time        `json:"pullStartedAt,omitzero"`
	PullStoppedAt        time.Time        `json:"pullStoppedAt,omitzero"`
	StartedAt            time.Time        `json:"startedAt,omitzero"`
	StartedBy            string           `json:"startedBy,omitempty"`
	StopCode             StopCode         `json:"stopCode,omitempty"`
	StoppedAt            time.Time        `json:"stoppedAt,omitzero"`
	StoppedReason        string           `json:"stoppedReason,omitempty"`
	StoppingAt           time.Time        `json:"stoppingAt,omitzero"`
	TaskARN              string           `json:"taskArn"`
	TaskDefinitionARN    string           `json:"taskDefinitionArn"`
	UpdatedAt            time.Time        `json:"updatedAt"`
	Version              int64            `json:"version"`
}

type factAttachment struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Status  string     `json:"status"`
	Details []factPair `json:"details"`
}

type factPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type factContainer struct {
	ContainerARN      string              `json:"containerArn"`
	CPU               string              `json:"cpu"`
	ExitCode          *int                `json:"exitCode,omitempty"`
	Image             string              `json:"image"`
	ImageDigest       string              `json:"imageDigest,omitempty"`
	LastStatus        State               `json:"lastStatus"`
	Memory            string              `json:"memory,omitempty"`
	MemoryReservation string              `json:"memoryReservation,omitempty"`
	Name              string              `json:"name"`
	NetworkInterfaces []map[string]string `json:"networkInterfaces"`
	Reason            string              `json:"reason,omitempty"`
	RuntimeID         string              `json:"runtimeId,omitempty"`
	TaskARN           string              `json:"taskArn"`
}

type factOverrides struct {
	ContainerOverrides []factOverride `json:"containerOverrides"`
	CPU                string         `json:"cpu,omitempty"`
	Memory             string         `json:"memory,omitempty"`
}

type factOverride struct {
	Command     []string   `json:"command,omitempty"`
	CPU         int        `json:"cpu,omitempty"`
	Environment []factPair `json:"environment,omitempty"`
	Memory      int        `json:"memory,omitempty"`
	Name        string     `json:"name"`
}

func factOf(t *Task, now time.Time) fact {
	f := fact{
		Attachments: []factAttachment{t.Attachment.fact(t)},
		Attributes:  []factPair{{"ecs.cpu-architecture", strings.ToLower(t.Architecture)}},

		AvailabilityZone: t.AvailabilityZone, CapacityProviderName: t.CapacityProvider, ClusterARN: t.ClusterARN,
		Connectivity: t.Connectivity, ConnectivityAt: t.ConnectivityAt,
		CPU: strconv.Itoa(t.CPU), Memory: strconv.Itoa(t.Memory), CreatedAt: t.CreatedAt,
		DesiredStatus: t.Desired, EnableExecuteCommand: t.EnableExecute, EphemeralStorage: map[string]int{"sizeInGiB": t.EphemeralGiB},
		ExecutionStoppedAt: t.ExecutionStoppedAt, Group: t.Group, HealthStatus: t.Health, LaunchType: t.LaunchType, LastStatus: t.Status,
		PlatformVersion: t.PlatformVersion, PullStartedAt: t.PullStartedAt, PullStoppedAt: t.PullStoppedAt,
		StartedAt: t.StartedAt, StartedBy: t.StartedBy, StopCode: t.StopCode, StoppedAt: t.StoppedAt, StoppedReason: t.StoppedReason,
		StoppingAt: t.StoppingAt, TaskARN: t.ARN, TaskDefinitionARN: t.DefinitionARN, UpdatedAt: now, Version: t.Version,
		Overrides: t.Overrides.fact(t),
	}
	for i := range t.Containers {
		f.Containers = append(f.Containers, t.Containers[i].fact(t))
	}
	return f
}

func (a *Attachment) fact(t *Task) factAttachment {
	f := factAttachment{ID: a.ID, Type: "eni", Status: a.Status}
	for _, d := range a.Details(t.SubnetID) {
		f.Details = append(f.Details, factPair(d))
	}
	return f
}

// Details are the attachment's key-value pairs, in AWS's order.
func (a *Attachment) Details(subnetID string) []KeyValue {
	details := []KeyValue{{"subnetId", subnetID}}
	for _, d := range []KeyValue{
		{"networkInterfaceId", a.InterfaceID},
		{"macAddress", a.MAC},
		{"privateDnsName", a.PrivateDNSName},
		{"privateIPv4Address", a.PrivateIP},
	} {
		if d.Value != "" {
			details = append(details, d)
		}
	}
	return details
}

func (c *Container) fact(t *Task) factContainer {
	f := factContainer{
		ContainerARN: c.ARN, CPU: strconv.Itoa(c.CPU), ExitCode: c.ExitCode, Image: c.Image, ImageDigest: c.Digest,
		LastStatus: c.Status, Name: c.Name, NetworkInterfaces: []map[string]string{}, Reason: c.Reason, TaskARN: t.ARN,
	}
	if c.Status != Pending {
		f.RuntimeID = c.RuntimeID
	}
	if c.Memory != 0 {
		f.Memory = strconv.Itoa(c.Memory)
	}
	if c.MemoryReservation != 0 {
		f.MemoryReservation = strconv.Itoa(c.MemoryReservation)
	}
	if t.Attachment.PrivateIP != "" {
		f.NetworkInterfaces = append(f.NetworkInterfaces, map[string]string{
			"attachmentId": t.Attachment.ID, "privateIpv4Address": t.Attachment.PrivateIP,
		})
	}
	return f
}

func (o *Overrides) fact(t *Task) factOverrides {
	f := factOverrides{ContainerOverrides: []factOverride{}}
	if o.CPU != 0 {
		f.CPU = strconv.Itoa(o.CPU)
	}
	if o.Memory != 0 {
		f.Memory = strconv.Itoa(o.Memory)
	}
	for _, c := range t.Containers {
		fo := factOverride{Name: c.Name}
		for _, co := range o.Containers {
			if co.Name != c.Name {
				continue
			}
			fo.Command, fo.CPU, fo.Memory = co.Command, co.CPU, co.Memory
			for _, kv := range co.Environment {
				fo.Environment = append(fo.Environment, factPair(kv))
			}
		}
		f.ContainerOverrides = append(f.ContainerOverrides, fo)
	}
	return f
}
