package task

import (
	"fmt"
	"strconv"
	"strings"
)

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
