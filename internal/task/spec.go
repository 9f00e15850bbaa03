package task

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
)

// containerID names one incarnation of a container for the engine. The first one is the runtime id AWS shows: the task's id and
// ten digits.
func containerID(taskID, container string, restart int) string {
	h := fnv.New64a()
	h.Write([]byte(container))
	id := fmt.Sprintf("%s-%010d", taskID, h.Sum64()%1e10)
	if restart > 0 {
		id = fmt.Sprintf("%s-r%d", id, restart)
	}
	return id
}

// sandbox is what the engine has to make for the task as a whole.
func (t *Task) sandbox(d *Definition, p Place) Sandbox {
	s := Sandbox{
		TaskID: t.ID, NetNS: p.NetNS,
		CPUUnits: t.CPU, MemoryMiB: t.Memory, EphemeralGiB: t.EphemeralGiB,
		Hostname:  t.Attachment.PrivateDNSName,
		SharedPID: d.PIDMode == "task",
		Labels:    map[string]string{"com.amazonaws.ecs.task-arn": t.ARN, "com.amazonaws.ecs.cluster": t.ClusterARN},
	}
	for _, a := range p.DNS {
		s.DNS = append(s.DNS, a.String())
	}
	for _, v := range d.Volumes {
		s.Volumes = append(s.Volumes, v.Name)
	}
	return s
}

// spec is what the engine has to make for one container.
func (t *Task) spec(d *Definition, cd *ContainerDefinition, c *Container) ContainerSpec {
	s := ContainerSpec{
		ID: c.ID, TaskID: t.ID, Name: c.Name, Image: cd.Image,
		Entrypoint: cd.EntryPoint, Command: cd.Command,
		Env:  t.environment(cd),
		User: cd.User, WorkingDir: cd.WorkingDirectory,
		ReadonlyRoot: cd.ReadonlyRoot, Privileged: cd.Privileged,
		PseudoTTY: cd.PseudoTerminal, Interactive: cd.Interactive,
		CPUUnits: cd.CPU, MemoryMiB: cd.Memory, MemoryReservationMiB: cd.MemoryReservation,
		Ulimits: cd.Ulimits, Mounts: d.mounts(cd),
		Log:    c.Log,
		Labels: t.labels(d, cd),
	}
	if l := cd.Linux; l != nil {
		s.Init, s.Tmpfs, s.ShmSizeMiB, s.CapAdd, s.CapDrop = l.Init, l.Tmpfs, l.SharedMemoryMiB, l.CapAdd, l.CapDrop
	}
	for _, kv := range cd.SystemControls {
		if s.Sysctls == nil {
			s.Sysctls = map[string]string{}
		}
		s.Sysctls[kv.Name] = kv.Value
	}
	return s
}

// environment is what Fargate sets, under what the definition sets.
// AWS: "Amazon ECS task metadata available for tasks on Fargate".
func (t *Task) environment(cd *ContainerDefinition) []string {
	env := map[string]string{
		"AWS_EXECUTION_ENV":  "AWS_ECS_FARGATE",
		"AWS_REGION":         t.Region,
		"AWS_DEFAULT_REGION": t.Region,
	}
	for _, kv := range cd.Environment {
		env[kv.Name] = kv.Value
	}
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

// labels are the container's own and those the ECS agent adds.
func (t *Task) labels(d *Definition, cd *ContainerDefinition) map[string]string {
	labels := maps.Clone(cd.DockerLabels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		"com.amazonaws.ecs.cluster":                 t.ClusterARN,
		"com.amazonaws.ecs.container-name":          cd.Name,
		"com.amazonaws.ecs.task-arn":                t.ARN,
		"com.amazonaws.ecs.task-definition-family":  d.Family,
		"com.amazonaws.ecs.task-definition-version": fmt.Sprint(d.Revision),
	})
	return labels
}
