package ecs

import (
	"regexp"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/task"
)

// ecrImage is an image in a registry of Amazon ECR.
var ecrImage = regexp.MustCompile(`^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.`)

// requiredAttributes are the capabilities a container instance would need to have for a task definition.
// AWS: "Amazon ECS task placement: attributes", "Amazon ECS container agent configuration".
func requiredAttributes(d *task.Definition) []ecsapi.Attribute {
	var names []string
	seen := map[string]bool{}
	add := func(need bool, list ...string) {
		for _, n := range list {
			if need && !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	const (
		capability = "com.amazonaws.ecs.capability."
		remote     = capability + "docker-remote-api."
	)
	for i := range d.Containers {
		c := &d.Containers[i]
		if c.Log != nil && c.Log.Driver != "" {
			add(true, capability+"logging-driver."+c.Log.Driver)
			add(c.Log.Driver == "awslogs", remote+"1.19")
			add(c.Log.Driver == "awslogs" && d.ExecutionRole != "", "ecs.capability.execution-role-awslogs")
		}
		ecr := ecrImage.MatchString(c.Image)
		add(ecr, capability+"ecr-auth", remote+"1.19")
		add(ecr && d.ExecutionRole != "", "ecs.capability.execution-role-ecr-pull")
		add(c.HealthCheck != nil, "ecs.capability.container-health-check", remote+"1.24")
		add(len(c.DependsOn) > 0, "ecs.capability.container-ordering")
		add(c.StartTimeout > 0 || c.StopTimeout > 0, "ecs.capability.container-ordering")
		add(c.MemoryReservation > 0, remote+"1.21")
		add(c.Linux != nil && (len(c.Linux.CapAdd) > 0 || len(c.Linux.CapDrop) > 0), remote+"1.22")
		add(c.Linux != nil && c.Linux.Init, remote+"1.25")
		add(c.Privileged, capability+"privileged-container")
		add(len(c.Ulimits) > 0 || len(c.DockerLabels) > 0, remote+"1.18")
		add(len(c.MountPoints) > 0, remote+"1.17")
	}
	add(d.TaskRoleARN != "", capability+"task-iam-role")
	add(d.NetworkMode == "awsvpc", remote+"1.18", "ecs.capability.task-eni")
	add(d.PIDMode != "" || d.IPCMode != "", "ecs.capability.pid-ipc-namespace-sharing")
	out := []ecsapi.Attribute{}
	for _, n := range names {
		out = append(out, ecsapi.Attribute{Name: &n})
	}
	return out
}
