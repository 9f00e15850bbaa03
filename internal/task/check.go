package task

import (
	"regexp"
	"slices"
	"strings"
)

// Check refuses a definition AWS refuses, with AWS's text, and one that asks for what is not built, by its name. It is called
// when a definition is registered; nothing that runs is checked again.
// AWS: "Amazon ECS task definition parameters for Fargate", "RegisterTaskDefinition".
func (d *Definition) Check() error {
	checks := []func() error{d.checkContainers, d.checkVolumes, d.checkDependencies, d.checkBuilt}
	if d.NetworkMode == "awsvpc" {
		checks = append(checks, d.checkAwsvpc)
	}
	if slices.Contains(d.Compatibilities, "FARGATE") {
		checks = append(checks, d.checkFargate)
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// Launchable lists the launch types the definition can run as, which DescribeTaskDefinition shows as compatibilities.
func (d *Definition) Launchable() []string {
	if d.NetworkMode != "awsvpc" {
		return []string{"EXTERNAL", "EC2"}
	}
	if d.checkFargate() != nil {
		return []string{"EC2"}
	}
	return []string{"EC2", "FARGATE"}
}

var name = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

func (d *Definition) checkContainers() error {
	switch {
	case !name.MatchString(d.Family):
		return errClient.New("Family contains invalid characters.")
	case len(d.Containers) == 0:
		return errClient.New("TaskDefinition must contain at least one container definition.")
	case len(d.Containers) > 10:
		return errClient.New("A task definition can have at most 10 container definitions.")
	case !slices.ContainsFunc(d.Containers, func(c ContainerDefinition) bool { return c.Essential }):
		return errClient.New("Task definition doesn't have any essential container.")
	}
	names := map[string]bool{}
	for i := range d.Containers {
		c := &d.Containers[i]
		if names[c.Name] {
			return errClient.New("Container names must be unique within a task definition.")
		}
		names[c.Name] = true
		if err := c.check(d); err != nil {
			return err
		}
	}
	return d.checkPorts()
}

func (c *ContainerDefinition) check(d *Definition) error {
	switch {
	case !name.MatchString(c.Name):
		return errClient.New("Container.name contains invalid characters.")
	case c.Image == "":
		return errClient.New("Container.image should not be null or empty.")
	case d.Memory == 0 && c.Memory == 0 && c.MemoryReservation == 0:
		return errClient.New("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", c.Name)
	case c.Memory != 0 && c.Memory < c.MemoryReservation:
		return errClient.New("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", c.Name)
	case d.Memory != 0 && c.Memory > d.Memory:
		return errClient.New("The 'memory' setting for container '%s' is greater than for the task.", c.Name)
	case d.Memory != 0 && c.MemoryReservation > d.Memory:
		return errClient.New("The 'memoryReservation' setting for container '%s' is greater than for the task.", c.Name)
	case c.StartTimeout != 0 && c.StartTimeout < 2:
		return errClient.New("Granular start timeout on container '%s' must be at least 2 seconds.", c.Name)
	case c.StopTimeout != 0 && c.StopTimeout < 2:
		return errClient.New("Granular stop timeout on container '%s' must be at least 2 seconds.", c.Name)
	case c.Linux != nil && c.Linux.Swappiness != nil && (*c.Linux.Swappiness < 0 || *c.Linux.Swappiness > 100):
		return errClient.New("Invalid setting for container '%s'. 'swappiness' must be between 0 and 100.", c.Name)
	}
	for _, u := range c.Ulimits {
		if u.Hard != -1 && (u.Soft > u.Hard || u.Soft == -1) {
			return errClient.New("Soft limit exceeds hard limit for ulimit %s", u.Name)
		}
	}
	for _, check := range []func() error{c.checkHealth, c.checkRestart, c.checkTmpfs} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *ContainerDefinition) checkHealth() error {
	h := c.HealthCheck
	if h == nil {
		return nil
	}
	between := func(what string, v, low, high int) error {
		if v != 0 && (v < low || v > high) {
			return errClient.New("Invalid health check %s for container '%s'. The value must be between %d and %d.", what, c.Name, low, high)
		}
		return nil
	}
	switch {
	case len(h.Command) == 0:
		return errClient.New("Health check command for container '%s' must not be empty.", c.Name)
	case len(h.Command) == 1 && h.Command[0] == "NONE":
		return nil
	case h.Command[0] == "CMD" || h.Command[0] == "CMD-SHELL":
		if len(h.Command) < 2 {
			return errClient.New("Health check command for container '%s' must not be empty.", c.Name)
		}
	}
	for _, err := range []error{
		between("interval", h.Interval, 5, 300), between("timeout", h.Timeout, 2, 60),
		between("retries", h.Retries, 1, 10), between("startPeriod", h.StartPeriod, 0, 300),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *ContainerDefinition) checkRestart() error {
	p := c.RestartPolicy
	if p == nil {
		return nil
	}
	if p.AttemptPeriod != 0 && (p.AttemptPeriod < 60 || p.AttemptPeriod > 1800) {
		return errClient.New("the 'restartAttemptPeriod' setting for container '%s' must be between 60 and 1800", c.Name)
	}
	if len(p.IgnoredExitCodes) > 50 {
		return errClient.New("the 'ignoredExitCodes' setting for container '%s' must have at most 50 exit codes", c.Name)
	}
	return nil
}

func (c *ContainerDefinition) checkTmpfs() error {
	if c.Linux == nil {
		return nil
	}
	for _, t := range c.Linux.Tmpfs {
		if t.Path == "" || t.SizeMiB <= 0 {
			return errClient.New("Invalid tmpfs setting for container '%s'. 'containerPath' and 'size' must be specified.", c.Name)
		}
	}
	return nil
}

func (d *Definition) checkVolumes() error {
	volumes := map[string]bool{}
	for _, v := range d.Volumes {
		if !name.MatchString(v.Name) {
			return errClient.New("Volume.name contains invalid characters.")
		}
		if volumes[v.Name] {
			return errClient.New("Volume names must be unique within a task definition.")
		}
		volumes[v.Name] = true
	}
	for _, c := range d.Containers {
		for _, m := range c.MountPoints {
			if !volumes[m.SourceVolume] {
				return errClient.New("Unknown volume '%s'.", m.SourceVolume)
			}
			if !strings.HasPrefix(m.Path, "/") {
				return errClient.New("Invalid 'containerPath' setting for container '%s'.", c.Name)
			}
		}
		for _, f := range c.VolumesFrom {
			if _, ok := d.container(f.Container); !ok || f.Container == c.Name {
				return errClient.New("Invalid 'volumesFrom' setting. Unknown container: '%s'.", f.Container)
			}
		}
	}
	return nil
}

func (d *Definition) checkDependencies() error {
	for _, c := range d.Containers {
		for _, dep := range c.DependsOn {
			on, ok := d.container(dep.Container)
			if !ok {
				return errClient.New("Cannot depend on container + '%s' because it does not exist", dep.Container)
			}
			switch dep.Condition {
			case ConditionStart:
			case ConditionComplete, ConditionSuccess:
				if on.Essential {
					return errClient.New("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
				}
			case ConditionHealthy:
				if !on.HealthCheck.enabled() {
					return errClient.New("A dependency container with HEALTHY condition must have health check configured")
				}
			default:
				return errClient.New("Invalid container dependency condition '%s'.", dep.Condition)
			}
		}
	}
	if cyclic(d) {
		return errClient.New("Container dependencies should not have a cycle")
	}
	return nil
}
