package task

// fargateMemory is the range of memory, in MiB, that a cpu size may be combined with.
// AWS: "Amazon ECS task definition parameters for Fargate", Task size.
var fargateMemory = map[int]struct{ min, max, step int }{
	256:   {512, 2048, 512},
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

// checkFargateSize refuses a combination Fargate does not sell.
func checkFargateSize(cpu, memory int) error {
	switch {
	case cpu == 0:
		return errClient.New("Fargate requires that 'cpu' be defined at the task level.")
	case memory == 0:
		return errClient.New("Fargate requires that 'memory' be defined at the task level.")
	}
	m, ok := fargateMemory[cpu]
	ok = ok && memory >= m.min && memory <= m.max && (memory-m.min)%m.step == 0
	if cpu == 256 && memory == 1536 { // 512, 1024 and 2048 only
		ok = false
	}
	if !ok {
		return errClient.New("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
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
