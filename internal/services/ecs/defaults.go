package ecs

import (
	"slices"
	"strconv"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/task"
)

// shapeOf is a task definition as AWS describes what was registered: every attribute as given, and the defaults filled in.
func shapeOf(in *ecsapi.RegisterTaskDefinitionInput) (*ecsapi.TaskDefinition, error) {
	out := &ecsapi.TaskDefinition{
		Family: in.Family, TaskRoleArn: in.TaskRoleArn, ExecutionRoleArn: in.ExecutionRoleArn, NetworkMode: in.NetworkMode,
		Volumes: nonNil(slices.Clone(in.Volumes)), PlacementConstraints: nonNil(in.PlacementConstraints),
		RuntimePlatform: in.RuntimePlatform, RequiresCompatibilities: in.RequiresCompatibilities, Cpu: in.Cpu, Memory: in.Memory,
		InferenceAccelerators: in.InferenceAccelerators, PidMode: in.PidMode, IpcMode: in.IpcMode, ProxyConfiguration: in.ProxyConfiguration,
		EphemeralStorage: in.EphemeralStorage, EnableFaultInjection: in.EnableFaultInjection,
	}
	if aws.Val(out.NetworkMode) == "" {
		out.NetworkMode = new(ecsapi.NetworkModeBridge)
	}
	if err := plainSizes(out); err != nil {
		return nil, err
	}
	for i := range out.Volumes {
		if v := &out.Volumes[i]; volumeOf(*v).Kind == task.VolumeTask && v.Host == nil {
			v.Host = &ecsapi.HostVolumeProperties{}
		}
	}
	for _, c := range in.ContainerDefinitions {
		out.ContainerDefinitions = append(out.ContainerDefinitions, containerDefaults(c, *out.NetworkMode))
	}
	return out, nil
}

// plainSizes writes cpu and memory as plain numbers: "1 vCPU" becomes "1024".
func plainSizes(d *ecsapi.TaskDefinition) error {
	cpu, err := task.ParseCPU(aws.Val(d.Cpu))
	if err != nil {
		return err
	}
	memory, err := task.ParseMemory(aws.Val(d.Memory))
	if err != nil {
		return err
	}
	d.Cpu, d.Memory = number(cpu), number(memory)
	return nil
}

func number(n int) *string {
	if n == 0 {
		return nil
	}
	return new(strconv.Itoa(n))
}

func containerDefaults(c ecsapi.ContainerDefinition, networkMode string) ecsapi.ContainerDefinition {
	if c.Cpu == nil {
		c.Cpu = new(int32(0))
	}
	if c.Essential == nil {
		c.Essential = new(true)
	}
	c.PortMappings = nonNil(slices.Clone(c.PortMappings))
	for i := range c.PortMappings {
		p := &c.PortMappings[i]
		if p.Protocol == nil {
			p.Protocol = new(ecsapi.TransportProtocolTcp)
		}
		if p.ContainerPortRange != nil {
			continue
		}
		if aws.Val(p.HostPort) == 0 {
			p.HostPort = new(int32(0))
			if networkMode == ecsapi.NetworkModeAwsvpc || networkMode == ecsapi.NetworkModeHost {
				p.HostPort = new(aws.Val(p.ContainerPort))
			}
		}
	}
	c.Environment, c.MountPoints = nonNil(c.Environment), nonNil(c.MountPoints)
	c.VolumesFrom, c.SystemControls = nonNil(c.VolumesFrom), nonNil(c.SystemControls)
	if c.HealthCheck != nil {
		h := *c.HealthCheck
		if h.Interval == nil {
			h.Interval = new(int32(30))
		}
		if h.Timeout == nil {
			h.Timeout = new(int32(5))
		}
		if h.Retries == nil {
			h.Retries = new(int32(3))
		}
		c.HealthCheck = &h
	}
	return c
}
