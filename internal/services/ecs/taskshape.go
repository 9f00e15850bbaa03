package ecs

import (
	"strconv"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/task"
)

// taskShape is a task as DescribeTasks shows it.
func taskShape(t *task.Task, tags bool) *ecsapi.Task {
	out := &ecsapi.Task{
		TaskArn: &t.ARN, TaskDefinitionArn: &t.DefinitionARN, ClusterArn: &t.ClusterARN, Group: text(t.Group), StartedBy: text(t.StartedBy),
		LaunchType: text(t.LaunchType), CapacityProviderName: text(t.CapacityProvider),
		PlatformVersion: text(t.PlatformVersion), PlatformFamily: text(t.PlatformFamily),
		Cpu: number(t.CPU), Memory: number(t.Memory), EphemeralStorage: &ecsapi.EphemeralStorage{SizeInGiB: new(int32(t.EphemeralGiB))},
		FargateEphemeralStorage: &ecsapi.TaskEphemeralStorage{SizeInGiB: new(int32(t.EphemeralGiB))},
		DesiredStatus:           new(string(t.Desired)), LastStatus: new(string(t.Status)), HealthStatus: new(string(t.Health)),
		AvailabilityZone: text(t.AvailabilityZone), EnableExecuteCommand: new(t.EnableExecute), Version: new(t.Version),
		Connectivity: text(t.Connectivity), ConnectivityAt: at(t.ConnectivityAt),
		CreatedAt: at(t.CreatedAt), PullStartedAt: at(t.PullStartedAt), PullStoppedAt: at(t.PullStoppedAt), StartedAt: at(t.StartedAt),
		StoppingAt: at(t.StoppingAt), ExecutionStoppedAt: at(t.ExecutionStoppedAt), StoppedAt: at(t.StoppedAt),
		StopCode: text(string(t.StopCode)), StoppedReason: text(t.StoppedReason),
		Attachments: []ecsapi.Attachment{attachmentShape(t)},
		Attributes:  []ecsapi.Attribute{{Name: new("ecs.cpu-architecture"), Value: new(strings.ToLower(t.Architecture))}},
		Containers:  []ecsapi.Container{}, InferenceAccelerators: []ecsapi.InferenceAccelerator{},
		Overrides: overrideShape(t), Tags: []ecsapi.Tag{},
	}
	if tags {
		out.Tags = tagShapes(t.Tags)
	}
	for i := range t.Containers {
		out.Containers = append(out.Containers, containerShape(t, &t.Containers[i]))
	}
	return out
}

func attachmentShape(t *task.Task) ecsapi.Attachment {
	a := ecsapi.Attachment{Id: new(t.Attachment.ID), Type: new("ElasticNetworkInterface"), Status: new(t.Attachment.Status)}
	for _, d := range []struct{ name, value string }{
		{"subnetId", t.SubnetID},
		{"networkInterfaceId", t.Attachment.InterfaceID},
		{"macAddress", t.Attachment.MAC},
		{"privateDnsName", t.Attachment.PrivateDNSName},
		{"privateIPv4Address", t.Attachment.PrivateIP},
	} {
		if d.value != "" {
			a.Details = append(a.Details, ecsapi.KeyValuePair{Name: new(d.name), Value: new(d.value)})
		}
	}
	a.Details = nonNil(a.Details)
	return a
}

func containerShape(t *task.Task, c *task.Container) ecsapi.Container {
	out := ecsapi.Container{
		ContainerArn: new(c.ARN), TaskArn: &t.ARN, Name: new(c.Name), Image: new(c.Image), ImageDigest: text(c.Digest),
		RuntimeId: text(c.RuntimeID), LastStatus: new(string(c.Status)), Reason: text(c.Reason), HealthStatus: new(string(c.Health)),
		NetworkBindings: []ecsapi.NetworkBinding{}, NetworkInterfaces: []ecsapi.NetworkInterface{},
		Cpu: new(strconv.Itoa(c.CPU)), Memory: number(c.Memory), MemoryReservation: number(c.MemoryReservation),
	}
	if c.ExitCode != nil {
		out.ExitCode = new(int32(*c.ExitCode))
	}
	if t.Attachment.PrivateIP != "" {
		out.NetworkInterfaces = append(out.NetworkInterfaces, ecsapi.NetworkInterface{AttachmentId: new(t.Attachment.ID), PrivateIpv4Address: new(t.Attachment.PrivateIP)})
	}
	return out
}

// overrideShape names every container, with what was overridden of it.
func overrideShape(t *task.Task) *ecsapi.TaskOverride {
	o := &t.Overrides
	out := &ecsapi.TaskOverride{
		Cpu: number(o.CPU), Memory: number(o.Memory), TaskRoleArn: text(o.TaskRoleARN), ExecutionRoleArn: text(o.ExecutionRole),
		ContainerOverrides: []ecsapi.ContainerOverride{}, InferenceAcceleratorOverrides: []ecsapi.InferenceAcceleratorOverride{},
	}
	if o.EphemeralGiB != 0 {
		out.EphemeralStorage = &ecsapi.EphemeralStorage{SizeInGiB: new(int32(o.EphemeralGiB))}
	}
	given := map[string]task.ContainerOverride{}
	for _, c := range o.Containers {
		given[c.Name] = c
	}
	for i := range t.Containers {
		c := given[t.Containers[i].Name]
		shape := ecsapi.ContainerOverride{
			Name: new(t.Containers[i].Name), Command: c.Command,
			Cpu: count(c.CPU), Memory: count(c.Memory), MemoryReservation: count(c.MemoryReservation),
		}
		for _, e := range c.Environment {
			shape.Environment = append(shape.Environment, ecsapi.KeyValuePair{Name: new(e.Name), Value: new(e.Value)})
		}
		out.ContainerOverrides = append(out.ContainerOverrides, shape)
	}
	return out
}

func count(n int) *int32 {
	if n == 0 {
		return nil
	}
	return new(int32(n))
}

// familyOf is the family in a task definition's ARN.
func familyOf(definitionARN string) string {
	family, _, _ := strings.Cut(definitionARN[strings.LastIndexByte(definitionARN, '/')+1:], ":")
	return family
}
