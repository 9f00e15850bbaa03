package task

import (
	"errors"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// valid is a definition AWS would take; tests spoil it.
func valid() *Definition {
	return &Definition{
		ARN: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", Family: "web", Revision: 1,
		Compatibilities: []string{"FARGATE"}, NetworkMode: "awsvpc", CPU: 256, Memory: 512, ExecutionRole: "arn:aws:iam::000000000000:role/exec",
		Volumes: []Volume{{Name: "data"}},
		Containers: []ContainerDefinition{
			{
				Name: "app", Image: "web:1", Essential: true, Ports: []PortMapping{{ContainerPort: 80}},
				DependsOn:   []Dependency{{"init", ConditionSuccess}, {"log", ConditionHealthy}},
				MountPoints: []MountPoint{{SourceVolume: "data", Path: "/data"}},
				Log:         &LogConfiguration{Driver: "awslogs", Options: map[string]string{"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}},
			},
			{Name: "init", Image: "init:1", VolumesFrom: []VolumeFrom{{Container: "log"}}},
			{Name: "log", Image: "log:1", HealthCheck: &HealthCheck{Command: []string{"CMD", "true"}}},
		},
	}
}

func TestCheckAccepts(t *testing.T) {
	if err := valid().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Definition){
		"tmpfs on Fargate": func(d *Definition) {
			d.Containers[0].Linux = &LinuxParameters{Tmpfs: []Tmpfs{{Path: "/t", SizeMiB: 16}}}
		},
		"SYS_PTRACE":           func(d *Definition) { d.Containers[0].Linux = &LinuxParameters{CapAdd: []string{"SYS_PTRACE"}} },
		"pidMode task":         func(d *Definition) { d.PIDMode = "task" },
		"no health check NONE": func(d *Definition) { d.Containers[0].HealthCheck = &HealthCheck{Command: []string{"NONE"}} },
		"EC2, privileged": func(d *Definition) {
			d.Compatibilities, d.NetworkMode, d.Containers[0].Privileged = []string{"EC2"}, "bridge", true
		},
		"same host port":    func(d *Definition) { d.Containers[0].Ports[0].HostPort = 80 },
		"unlimited ulimit":  func(d *Definition) { d.Containers[0].Ulimits = []Ulimit{{"nofile", 1024, -1}} },
		"tcp and udp":       func(d *Definition) { d.Containers[1].Ports = []PortMapping{{ContainerPort: 80, Protocol: "udp"}} },
		"16 vCPU":           func(d *Definition) { d.CPU, d.Memory = 16384, 122880 },
		"ephemeral storage": func(d *Definition) { d.EphemeralGiB = 200 },
	} {
		d := valid()
		change(d)
		if err := d.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	app := func(change func(*ContainerDefinition)) func(*Definition) {
		return func(d *Definition) { change(&d.Containers[0]) }
	}
	for _, c := range []struct {
		change     func(*Definition)
		code, want string
	}{
		{func(d *Definition) { d.CPU, d.Memory = 512, 512 }, "ClientException", "No Fargate configuration exists for given values: 512 CPU, 512 memory. See the Amazon ECS documentation for the valid values."},
		{func(d *Definition) { d.CPU, d.Memory = 256, 1536 }, "ClientException", "No Fargate configuration exists"},
		{func(d *Definition) { d.CPU = 0 }, "ClientException", "Fargate requires that 'cpu' be defined at the task level."},
		{func(d *Definition) {
			d.Memory = 0
			d.Containers[0].Memory, d.Containers[1].Memory, d.Containers[2].Memory = 1, 1, 1
		}, "ClientException", "Fargate requires that 'memory' be defined at the task level."},
		{func(d *Definition) { d.NetworkMode = "bridge" }, "ClientException", "Fargate only supports network mode ‘awsvpc’."},
		{func(d *Definition) { d.IPCMode = "task" }, "ClientException", "Tasks using the Fargate launch type do not support ipcMode."},
		{func(d *Definition) { d.PIDMode = "host" }, "ClientException", "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'."},
		{func(d *Definition) { d.PlacementConstraints = true }, "ClientException", "Fargate compatible task definitions do not support constraints"},
		{func(d *Definition) { d.EphemeralGiB = 20 }, "ClientException", "EphemeralStorage size should be at least 21."},
		{func(d *Definition) { d.Volumes[0].Kind = VolumeHost }, "ClientException", "Fargate compatible task definitions do not support sourcePath"},
		{func(d *Definition) { d.Volumes[0].Kind = VolumeDocker }, "ClientException", "Fargate compatible task definitions do not support dockerVolumeConfiguration"},
		{func(d *Definition) { d.Volumes[0].Kind = VolumeEFS }, "NotImplemented", "volumes[].efsVolumeConfiguration"},
		{func(d *Definition) { d.ProxyConfiguration = true }, "NotImplemented", "proxyConfiguration"},
		{func(d *Definition) { d.OS = "WINDOWS_SERVER_2022_CORE" }, "NotImplemented", "runtimePlatform"},
		{func(d *Definition) { d.Architecture = map[string]string{"X86_64": "ARM64", "ARM64": "X86_64"}[machine] }, "NotImplemented", "runtimePlatform.cpuArchitecture"},
		{app(func(c *ContainerDefinition) { c.Log.Options["max-buffer-size"] = "25 apples" }), "ClientException", "Invalid value for log option max-buffer-size: 25 apples"},
		{func(d *Definition) { d.Family = "a b" }, "ClientException", "Family contains invalid characters."},
		{func(d *Definition) { d.Containers = nil }, "ClientException", "at least one container"},
		{func(d *Definition) { d.Containers[0].Essential = false }, "ClientException", "Task definition doesn't have any essential container."},
		{func(d *Definition) { d.Containers[1].Name = "app" }, "ClientException", "Container names must be unique within a task definition."},
		{func(d *Definition) { d.Containers[1].Image = "" }, "ClientException", "Container.image should not be null or empty."},
		{func(d *Definition) { d.Volumes = nil }, "ClientException", "Unknown volume 'data'."},
		{func(d *Definition) { d.Containers[2].Ports = []PortMapping{{ContainerPort: 80}} }, "ClientException", "container port 80 is used multiple times in task"},
		{func(d *Definition) { d.Containers[2].DependsOn = []Dependency{{"app", ConditionStart}} }, "ClientException", "Container dependencies should not have a cycle"},
		{app(func(c *ContainerDefinition) { c.DependsOn[0].Container = "nobody" }), "ClientException", "Cannot depend on container + 'nobody' because it does not exist"},
		{func(d *Definition) { d.Containers[1].Essential = true }, "ClientException", "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
		{func(d *Definition) { d.Containers[2].HealthCheck = nil }, "ClientException", "A dependency container with HEALTHY condition must have health check configured"},
		{app(func(c *ContainerDefinition) { c.VolumesFrom = []VolumeFrom{{Container: "nobody"}} }), "ClientException", "Invalid 'volumesFrom' setting. Unknown container: 'nobody'."},
		{app(func(c *ContainerDefinition) { c.Memory = 1024 }), "ClientException", "The 'memory' setting for container 'app' is greater than for the task."},
		{app(func(c *ContainerDefinition) { c.Memory, c.MemoryReservation = 128, 256 }), "ClientException", "Invalid setting for container 'app'. 'memory' must be greater than or equal to 'memoryReservation'."},
		{app(func(c *ContainerDefinition) { c.CPU = 512 }), "ClientException", "greater than for the task"},
		{app(func(c *ContainerDefinition) { c.StopTimeout = 121 }), "ClientException", "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds."},
		{app(func(c *ContainerDefinition) { c.StartTimeout = 1 }), "ClientException", "Granular start timeout on container 'app' must be at least 2 seconds."},
		{app(func(c *ContainerDefinition) { c.Privileged = true }), "ClientException", "Fargate requires that the 'privileged' setting be 'false'."},
		{app(func(c *ContainerDefinition) { c.Linux = &LinuxParameters{CapAdd: []string{"NET_ADMIN"}} }), "ClientException", "NET_ADMIN is not allowed on Fargate."},
		{app(func(c *ContainerDefinition) { c.Linux = &LinuxParameters{SharedMemoryMiB: 64} }), "ClientException", "Fargate compatible task definitions do not support sharedMemorySize"},
		{app(func(c *ContainerDefinition) { c.Linux = &LinuxParameters{MaxSwap: new(1)} }), "ClientException", "Fargate compatible task definitions do not support maxSwap"},
		{app(func(c *ContainerDefinition) { c.ResourceRequirements = []KeyValue{{"GPU", "1"}} }), "ClientException", "Tasks using the Fargate launch type do not support GPU resource requirements."},
		{app(func(c *ContainerDefinition) { c.Links = []string{"log"} }), "ClientException", "Links are not supported when networkMode=awsvpc"},
		{app(func(c *ContainerDefinition) { c.DisableNetworking = true }), "ClientException", "Disable Networking is not supported on container when networkMode=awsvpc"},
		{app(func(c *ContainerDefinition) { c.Ports[0].HostPort = 81 }), "ClientException", "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{app(func(c *ContainerDefinition) { c.Ports[0].Range = "1-2" }), "ClientException", "cannot specify both single port and port range"},
		{app(func(c *ContainerDefinition) { c.Ports = []PortMapping{{Range: "9-2"}} }), "ClientException", "Invalid 'containerPortRange' setting"},
		{app(func(c *ContainerDefinition) { c.Ulimits = []Ulimit{{"nofile", 2, 1}} }), "ClientException", "Soft limit exceeds hard limit for ulimit nofile"},
		{app(func(c *ContainerDefinition) { c.RestartPolicy = &RestartPolicy{Enabled: true, AttemptPeriod: 10} }), "ClientException", "the 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800"},
		{app(func(c *ContainerDefinition) { c.HealthCheck = &HealthCheck{Command: []string{"CMD", "x"}, Interval: 1} }), "ClientException", "between 5 and 300"},
		{app(func(c *ContainerDefinition) { c.Secrets = []KeyValue{{"a", "b"}} }), "NotImplemented", "secrets"},
		{app(func(c *ContainerDefinition) { c.EnvironmentFiles = []string{"arn"} }), "NotImplemented", "environmentFiles"},
		{app(func(c *ContainerDefinition) { c.Firelens = true }), "NotImplemented", "firelensConfiguration"},
		{app(func(c *ContainerDefinition) { c.Log.Driver = "awsfirelens" }), "NotImplemented", "awsfirelens"},
		{app(func(c *ContainerDefinition) { c.Log.Driver = "json-file" }), "ClientException", "json-file is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens]"},
		{app(func(c *ContainerDefinition) { delete(c.Log.Options, "awslogs-group") }), "ClientException", "Log driver awslogs requires options: awslogs-group"},
		{app(func(c *ContainerDefinition) { c.Log.Options["nonsense"] = "1" }), "ClientException", "Log driver awslogs disallows options: nonsense"},
		{func(d *Definition) { d.ExecutionRole = "" }, "ClientException", "Fargate requires task definition to have execution role ARN to support log driver awslogs."},
	} {
		d := valid()
		c.change(d)
		err := d.Check()
		var got *awserr.Error
		if !errors.As(err, &got) || got.Code != c.code || !strings.Contains(got.Message, c.want) {
			t.Errorf("got %v, want %s: %s", err, c.code, c.want)
		}
	}
}

func TestLaunchable(t *testing.T) {
	d := valid()
	if got := d.Launchable(); len(got) != 2 {
		t.Errorf("%v", got)
	}
	d.Compatibilities, d.CPU = nil, 0
	if got := d.Launchable(); len(got) != 1 || got[0] != "EC2" {
		t.Errorf("without cpu: %v", got)
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int{"": 0, "256": 256, ".25 vCPU": 256, "0.5vcpu": 512, "1 vCPU": 1024, "16 vcpus": 16384} {
		if got, err := ParseCPU(in); err != nil || got != want {
			t.Errorf("ParseCPU(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for in, want := range map[string]int{"512": 512, "0.5 GB": 512, "2gb": 2048, "30 GB": 30720} {
		if got, err := ParseMemory(in); err != nil || got != want {
			t.Errorf("ParseMemory(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"x", "-1", "0", "1.5", "NaN", "1e30", "vcpu", " "} {
		if got, err := ParseCPU(in); err == nil {
			t.Errorf("ParseCPU(%q) = %d", in, got)
		}
	}
}

func FuzzParseCPU(f *testing.F) {
	f.Add("0.25 vCPU")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseCPU(s); err == nil && n < 0 {
			t.Errorf("ParseCPU(%q) = %d", s, n)
		}
	})
}

func TestOverrides(t *testing.T) {
	d := valid()
	d.Containers[0].Environment = []KeyValue{{"A", "1"}, {"B", "2"}}
	e, err := d.With(Overrides{CPU: 512, Memory: 1024, Containers: []ContainerOverride{{
		Name: "app", Command: []string{"x"}, Environment: []KeyValue{{"B", "3"}, {"C", "4"}}, Memory: 600,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	app := e.Containers[0]
	if e.CPU != 512 || app.Memory != 600 || app.Command[0] != "x" || len(app.Environment) != 3 || app.Environment[1].Value != "3" {
		t.Errorf("%+v", app)
	}
	if d.CPU != 256 || d.Containers[0].Memory != 0 || d.Containers[0].Environment[1].Value != "2" {
		t.Error("the definition was changed")
	}
	if same, _ := d.With(Overrides{}); same != d {
		t.Error("nothing overridden makes a copy")
	}
	for want, o := range map[string]Overrides{
		"Override for container named x is not a container in the TaskDefinition.":    {Containers: []ContainerOverride{{Name: "x"}}},
		"No Fargate configuration exists for given values: 512 CPU, 512 memory.":      {CPU: 512},
		"The 'memory' setting for container 'app' is greater than for the task.":      {Containers: []ContainerOverride{{Name: "app", Memory: 4096}}},
		"does not implement overrides.containerOverrides[].environmentFiles yet":      {Containers: []ContainerOverride{{Name: "app", EnvironmentFiles: []string{"f"}}}},
		"Tasks using the Fargate launch type do not support GPU resource requirement": {Containers: []ContainerOverride{{Name: "app", ResourceRequirements: []KeyValue{{"GPU", "1"}}}}},
	} {
		if _, err := d.With(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
