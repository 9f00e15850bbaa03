package task

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
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

func (d *Definition) checkPorts() error {
	names, ports := map[string]bool{}, map[string]bool{}
	for _, c := range d.Containers {
		for _, p := range c.Ports {
			if p.Name != "" && names[p.Name] {
				return errClient.New("port mapping name %s is already used", p.Name)
			}
			names[p.Name] = true
			low, high := p.ContainerPort, p.ContainerPort
			switch {
			case p.Range != "" && (p.ContainerPort != 0 || p.HostPort != 0):
				return errClient.New("cannot specify both single port and port range")
			case p.Range != "":
				var ok bool
				if low, high, ok = parseRange(p.Range); !ok {
					return errClient.New("Invalid 'containerPortRange' setting for container '%s'.", c.Name)
				}
			case p.ContainerPort < 1 || p.ContainerPort > 65535:
				return errClient.New("Invalid 'containerPort' setting for container '%s'.", c.Name)
			case p.HostPort < 0 || p.HostPort > 65535:
				return errClient.New("Invalid 'hostPort' setting for container '%s'.", c.Name)
			}
			for port := low; port <= high; port++ {
				key := fmt.Sprint(p.Protocol == "udp", port)
				if d.NetworkMode == "awsvpc" && ports[key] {
					return errClient.New("container port %d is used multiple times in task", port)
				}
				ports[key] = true
			}
		}
	}
	return nil
}

func parseRange(s string) (low, high int, ok bool) {
	a, b, found := strings.Cut(s, "-")
	low, errLow := strconv.Atoi(a)
	high, errHigh := strconv.Atoi(b)
	return low, high, found && errLow == nil && errHigh == nil && low >= 1 && low < high && high <= 65535
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

// checkBuilt refuses what is not there yet instead of ignoring it.
func (d *Definition) checkBuilt() error {
	missing := func(given bool, what string) error {
		if given {
			return awserr.NotImplemented(what)
		}
		return nil
	}
	errs := []error{
		missing(d.ProxyConfiguration, "proxyConfiguration"),
		missing(d.FaultInjection, "enableFaultInjection"),
		missing(d.OS != "" && d.OS != "LINUX", "runtimePlatform.operatingSystemFamily "+d.OS),
	}
	for _, v := range d.Volumes {
		errs = append(errs,
			missing(v.Kind == VolumeEFS, "volumes[].efsVolumeConfiguration"),
			missing(v.Kind == VolumeFSx, "volumes[].fsxWindowsFileServerVolumeConfiguration"),
			missing(v.Kind == VolumeS3Files, "volumes[].s3filesVolumeConfiguration"),
			missing(v.Kind == VolumeAtLaunch, "volumes[].configuredAtLaunch"))
	}
	for _, c := range d.Containers {
		errs = append(errs,
			missing(len(c.Secrets) > 0, "containerDefinitions[].secrets"),
			missing(len(c.EnvironmentFiles) > 0, "containerDefinitions[].environmentFiles"),
			missing(c.RepositoryCredentials, "containerDefinitions[].repositoryCredentials"),
			missing(c.Firelens, "containerDefinitions[].firelensConfiguration"),
			missing(len(c.CredentialSpecs) > 0, "containerDefinitions[].credentialSpecs"),
			c.Log.checkBuilt())
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Definition) checkAwsvpc() error {
	for _, c := range d.Containers {
		for _, p := range c.Ports {
			if p.HostPort != 0 && p.HostPort != p.ContainerPort {
				return errClient.New("When networkMode=awsvpc, the host ports and container ports in port mappings must match.")
			}
		}
		for _, refused := range []struct {
			given bool
			what  string
		}{
			{len(c.Links) > 0, "Links are not supported"},
			{len(c.DNSServers) > 0, "DNS servers are not supported on container"},
			{len(c.DNSSearchDomains) > 0, "DNS search domains are not supported on container"},
			{len(c.ExtraHosts) > 0, "Extra hosts are not supported on container"},
			{c.Hostname != "", "Hostname is not supported on container"},
			{c.DisableNetworking, "Disable Networking is not supported on container"},
		} {
			if refused.given {
				return errClient.New("%s when networkMode=awsvpc", refused.what)
			}
		}
	}
	return nil
}

func (d *Definition) checkFargate() error {
	if d.NetworkMode != "awsvpc" {
		return errClient.New("Fargate only supports network mode ‘awsvpc’.")
	}
	if err := checkFargateSize(d.CPU, d.Memory); err != nil {
		return err
	}
	switch {
	case d.IPCMode != "":
		return errClient.New("Tasks using the Fargate launch type do not support ipcMode.")
	case d.PIDMode != "" && d.PIDMode != "task":
		return errClient.New("Tasks using the Fargate launch type do not support pidMode '%s'. The supported value for pidMode is 'task'.", d.PIDMode)
	case d.PlacementConstraints:
		return errFargate("constraints")
	case d.InferenceAccelerators:
		return errFargate("inferenceAccelerators")
	case d.EphemeralGiB != 0 && d.EphemeralGiB < 21:
		return errClient.New("EphemeralStorage size should be at least 21.")
	case d.EphemeralGiB > 200:
		return errClient.New("EphemeralStorage size should be at most 200.")
	}
	for _, v := range d.Volumes {
		switch v.Kind {
		case VolumeHost:
			return errFargate("sourcePath")
		case VolumeDocker:
			return errFargate("dockerVolumeConfiguration")
		}
	}
	cpu := 0
	for i := range d.Containers {
		cpu += d.Containers[i].CPU
		if err := d.Containers[i].checkFargate(d); err != nil {
			return err
		}
	}
	if cpu > d.CPU {
		return errClient.New("The total 'cpu' of the containers (%d) is greater than for the task.", cpu)
	}
	return nil
}

func (c *ContainerDefinition) checkFargate(d *Definition) error {
	switch {
	case c.StopTimeout > 120:
		return errClient.New("Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.")
	case c.StartTimeout > 120:
		return errClient.New("Tasks using the Fargate launch type must have a container start timeout of less than 120 seconds.")
	case c.Privileged:
		return errClient.New("Fargate requires that the 'privileged' setting be 'false'.")
	case len(c.DockerSecurityOptions) > 0:
		return errFargate("dockerSecurityOptions")
	}
	for _, r := range c.ResourceRequirements {
		return errClient.New("Tasks using the Fargate launch type do not support %s resource requirements.", r.Name)
	}
	if l := c.Linux; l != nil {
		switch {
		case len(l.Devices) > 0:
			return errFargate("devices")
		case l.SharedMemoryMiB != 0:
			return errFargate("sharedMemorySize")
		case l.MaxSwap != nil:
			return errFargate("maxSwap")
		case l.Swappiness != nil:
			return errFargate("swappiness")
		}
		for _, capability := range l.CapAdd {
			if capability != "SYS_PTRACE" {
				return errClient.New("%s is not allowed on Fargate.", capability)
			}
		}
	}
	return c.Log.checkFargate(d)
}

func errFargate(what string) error {
	return errClient.New("Fargate compatible task definitions do not support %s", what)
}

// check refuses overrides that do not fit the definition. Codes and texts are RunTask's.
func (o *Overrides) check(d *Definition) error {
	if o.InferenceAccelerators {
		return errParameter.New("Inference accelerator overrides are not supported on Fargate.")
	}
	for _, co := range o.Containers {
		if _, ok := d.container(co.Name); !ok {
			return errParameter.New("Override for container named %s is not a container in the TaskDefinition.", co.Name)
		}
		if len(co.EnvironmentFiles) > 0 {
			return awserr.NotImplemented("overrides.containerOverrides[].environmentFiles")
		}
		for _, r := range co.ResourceRequirements {
			return errParameter.New("Tasks using the Fargate launch type do not support %s resource requirements.", r.Name)
		}
	}
	if o.none() {
		return nil
	}
	e := d.with(*o)
	if o.CPU != 0 || o.Memory != 0 {
		if err := checkFargateSize(e.CPU, e.Memory); err != nil {
			return err
		}
	}
	if o.EphemeralGiB != 0 && (o.EphemeralGiB < 21 || o.EphemeralGiB > 200) {
		return errParameter.New("EphemeralStorage size should be between 21 and 200.")
	}
	for i := range e.Containers {
		c := &e.Containers[i]
		switch {
		case c.Memory > e.Memory && e.Memory != 0:
			return errParameter.New("The 'memory' setting for container '%s' is greater than for the task.", c.Name)
		case c.Memory != 0 && c.Memory < c.MemoryReservation:
			return errParameter.New("Invalid setting for container '%s'. 'memory' must be greater than or equal to 'memoryReservation'.", c.Name)
		}
	}
	return nil
}
