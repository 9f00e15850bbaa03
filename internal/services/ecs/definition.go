package ecs

import (
	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/task"
)

// definitionOf translates a task definition into the engine's noun.
func definitionOf(in *ecsapi.TaskDefinition) (*task.Definition, error) {
	d := &task.Definition{
		ARN: aws.Val(in.TaskDefinitionArn), Family: aws.Val(in.Family), Revision: int(aws.Val(in.Revision)),
		Compatibilities: in.RequiresCompatibilities, NetworkMode: aws.Val(in.NetworkMode),
		PIDMode: aws.Val(in.PidMode), IPCMode: aws.Val(in.IpcMode),
		TaskRoleARN: aws.Val(in.TaskRoleArn), ExecutionRole: aws.Val(in.ExecutionRoleArn),
		FaultInjection:        aws.Val(in.EnableFaultInjection),
		PlacementConstraints:  len(in.PlacementConstraints) > 0,
		ProxyConfiguration:    in.ProxyConfiguration != nil,
		InferenceAccelerators: len(in.InferenceAccelerators) > 0,
	}
	var err error
	if d.CPU, err = task.ParseCPU(aws.Val(in.Cpu)); err != nil {
		return nil, err
	}
	if d.Memory, err = task.ParseMemory(aws.Val(in.Memory)); err != nil {
		return nil, err
	}
	if in.EphemeralStorage != nil {
		d.EphemeralGiB = int(aws.Val(in.EphemeralStorage.SizeInGiB))
	}
	if p := in.RuntimePlatform; p != nil {
		d.OS, d.Architecture = aws.Val(p.OperatingSystemFamily), aws.Val(p.CpuArchitecture)
	}
	for i := range in.ContainerDefinitions {
		d.Containers = append(d.Containers, containerOf(&in.ContainerDefinitions[i]))
	}
	for _, v := range in.Volumes {
		d.Volumes = append(d.Volumes, volumeOf(v))
	}
	return d, nil
}

func containerOf(in *ecsapi.ContainerDefinition) task.ContainerDefinition {
	c := task.ContainerDefinition{
		Name: aws.Val(in.Name), Image: aws.Val(in.Image),
		CPU: int(aws.Val(in.Cpu)), Memory: int(aws.Val(in.Memory)), MemoryReservation: int(aws.Val(in.MemoryReservation)),
		Essential:  in.Essential == nil || *in.Essential,
		EntryPoint: in.EntryPoint, Command: in.Command, Environment: pairs(in.Environment),
		User: aws.Val(in.User), WorkingDirectory: aws.Val(in.WorkingDirectory), Hostname: aws.Val(in.Hostname),
		StartTimeout: int(aws.Val(in.StartTimeout)), StopTimeout: int(aws.Val(in.StopTimeout)),
		ReadonlyRoot: aws.Val(in.ReadonlyRootFilesystem), Privileged: aws.Val(in.Privileged),
		Interactive: aws.Val(in.Interactive), PseudoTerminal: aws.Val(in.PseudoTerminal), DockerLabels: in.DockerLabels,
		VersionConsistency:    aws.Val(in.VersionConsistency),
		RepositoryCredentials: in.RepositoryCredentials != nil,
		Links:                 in.Links, Secrets: secrets(in.Secrets), DisableNetworking: aws.Val(in.DisableNetworking),
		DNSServers: in.DnsServers, DNSSearchDomains: in.DnsSearchDomains, DockerSecurityOptions: in.DockerSecurityOptions,
		Firelens: in.FirelensConfiguration != nil, CredentialSpecs: in.CredentialSpecs,
		Linux: linuxOf(in.LinuxParameters), Log: logOf(in.LogConfiguration),
	}
	for _, p := range in.PortMappings {
		c.Ports = append(c.Ports, task.PortMapping{
			Name: aws.Val(p.Name), ContainerPort: int(aws.Val(p.ContainerPort)), HostPort: int(aws.Val(p.HostPort)),
			Range: aws.Val(p.ContainerPortRange), Protocol: aws.Val(p.Protocol), AppProtocol: aws.Val(p.AppProtocol),
		})
	}
	for _, d := range in.DependsOn {
		c.DependsOn = append(c.DependsOn, task.Dependency{Container: aws.Val(d.ContainerName), Condition: task.Condition(aws.Val(d.Condition))})
	}
	for _, u := range in.Ulimits {
		c.Ulimits = append(c.Ulimits, task.Ulimit{Name: aws.Val(u.Name), Soft: int64(aws.Val(u.SoftLimit)), Hard: int64(aws.Val(u.HardLimit))})
	}
	for _, s := range in.SystemControls {
		c.SystemControls = append(c.SystemControls, task.KeyValue{Name: aws.Val(s.Namespace), Value: aws.Val(s.Value)})
	}
	for _, m := range in.MountPoints {
		c.MountPoints = append(c.MountPoints, task.MountPoint{SourceVolume: aws.Val(m.SourceVolume), Path: aws.Val(m.ContainerPath), ReadOnly: aws.Val(m.ReadOnly)})
	}
	for _, v := range in.VolumesFrom {
		c.VolumesFrom = append(c.VolumesFrom, task.VolumeFrom{Container: aws.Val(v.SourceContainer), ReadOnly: aws.Val(v.ReadOnly)})
	}
	for _, f := range in.EnvironmentFiles {
		c.EnvironmentFiles = append(c.EnvironmentFiles, aws.Val(f.Value))
	}
	for _, h := range in.ExtraHosts {
		c.ExtraHosts = append(c.ExtraHosts, task.KeyValue{Name: aws.Val(h.Hostname), Value: aws.Val(h.IpAddress)})
	}
	for _, r := range in.ResourceRequirements {
		c.ResourceRequirements = append(c.ResourceRequirements, task.KeyValue{Name: aws.Val(r.Type), Value: aws.Val(r.Value)})
	}
	if h := in.HealthCheck; h != nil {
		c.HealthCheck = &task.HealthCheck{
			Command: h.Command, Interval: int(aws.Val(h.Interval)), Timeout: int(aws.Val(h.Timeout)),
			Retries: int(aws.Val(h.Retries)), StartPeriod: int(aws.Val(h.StartPeriod)),
		}
	}
	if r := in.RestartPolicy; r != nil {
		c.RestartPolicy = &task.RestartPolicy{Enabled: aws.Val(r.Enabled), AttemptPeriod: int(aws.Val(r.RestartAttemptPeriod))}
		for _, code := range r.IgnoredExitCodes {
			c.RestartPolicy.IgnoredExitCodes = append(c.RestartPolicy.IgnoredExitCodes, int(code))
		}
	}
	return c
}

func linuxOf(in *ecsapi.LinuxParameters) *task.LinuxParameters {
	if in == nil {
		return nil
	}
	l := &task.LinuxParameters{Init: aws.Val(in.InitProcessEnabled), SharedMemoryMiB: int(aws.Val(in.SharedMemorySize))}
	if c := in.Capabilities; c != nil {
		l.CapAdd, l.CapDrop = c.Add, c.Drop
	}
	for _, d := range in.Devices {
		l.Devices = append(l.Devices, aws.Val(d.HostPath))
	}
	for _, t := range in.Tmpfs {
		l.Tmpfs = append(l.Tmpfs, task.Tmpfs{Path: aws.Val(t.ContainerPath), SizeMiB: int(aws.Val(t.Size)), Options: t.MountOptions})
	}
	if in.MaxSwap != nil {
		l.MaxSwap = new(int(*in.MaxSwap))
	}
	if in.Swappiness != nil {
		l.Swappiness = new(int(*in.Swappiness))
	}
	return l
}

func logOf(in *ecsapi.LogConfiguration) *task.LogConfiguration {
	if in == nil {
		return nil
	}
	return &task.LogConfiguration{Driver: aws.Val(in.LogDriver), Options: in.Options, SecretOptions: secrets(in.SecretOptions)}
}

func volumeOf(v ecsapi.Volume) task.Volume {
	kind := task.VolumeTask
	switch {
	case v.EfsVolumeConfiguration != nil:
		kind = task.VolumeEFS
	case v.FsxWindowsFileServerVolumeConfiguration != nil:
		kind = task.VolumeFSx
	case v.S3filesVolumeConfiguration != nil:
		kind = task.VolumeS3Files
	case v.DockerVolumeConfiguration != nil:
		kind = task.VolumeDocker
	case aws.Val(v.ConfiguredAtLaunch):
		kind = task.VolumeAtLaunch
	case v.Host != nil && aws.Val(v.Host.SourcePath) != "":
		kind = task.VolumeHost
	}
	return task.Volume{Name: aws.Val(v.Name), Kind: kind}
}

func pairs(in []ecsapi.KeyValuePair) []task.KeyValue {
	var out []task.KeyValue
	for _, p := range in {
		out = append(out, task.KeyValue{Name: aws.Val(p.Name), Value: aws.Val(p.Value)})
	}
	return out
}

func secrets(in []ecsapi.Secret) []task.KeyValue {
	var out []task.KeyValue
	for _, p := range in {
		out = append(out, task.KeyValue{Name: aws.Val(p.Name), Value: aws.Val(p.ValueFrom)})
	}
	return out
}

// overridesOf translates what RunTask may change.
func overridesOf(in *ecsapi.TaskOverride) (o task.Overrides, err error) {
	if in == nil {
		return o, nil
	}
	o = task.Overrides{TaskRoleARN: aws.Val(in.TaskRoleArn), ExecutionRole: aws.Val(in.ExecutionRoleArn), InferenceAccelerators: len(in.InferenceAcceleratorOverrides) > 0}
	if o.CPU, err = task.ParseCPU(aws.Val(in.Cpu)); err != nil {
		return o, err
	}
	if o.Memory, err = task.ParseMemory(aws.Val(in.Memory)); err != nil {
		return o, err
	}
	if in.EphemeralStorage != nil {
		o.EphemeralGiB = int(aws.Val(in.EphemeralStorage.SizeInGiB))
	}
	for _, c := range in.ContainerOverrides {
		override := task.ContainerOverride{
			Name: aws.Val(c.Name), Command: c.Command, Environment: pairs(c.Environment),
			CPU: int(aws.Val(c.Cpu)), Memory: int(aws.Val(c.Memory)), MemoryReservation: int(aws.Val(c.MemoryReservation)),
		}
		for _, f := range c.EnvironmentFiles {
			override.EnvironmentFiles = append(override.EnvironmentFiles, aws.Val(f.Value))
		}
		for _, r := range c.ResourceRequirements {
			override.ResourceRequirements = append(override.ResourceRequirements, task.KeyValue{Name: aws.Val(r.Type), Value: aws.Val(r.Value)})
		}
		o.Containers = append(o.Containers, override)
	}
	return o, nil
}
