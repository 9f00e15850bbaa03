package containers

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/neargate/neargate/internal/machine/containers/pid1"
	"github.com/neargate/neargate/internal/task"
)

// blueprint is all that decides a container's OCI spec.
type blueprint struct {
	container task.ContainerSpec
	sandbox   task.Sandbox
	image     ocispec.ImageConfig

	user    specs.User // resolved in the image
	limits  machineLimits
	seccomp bool
	foreign bool // the image has 32-bit programs
	swap    bool // limits on swap can be set
	unified bool // control groups of version 2

	group     string // control group
	bundle    string
	volumes   string // directory of the task's volumes
	init      string // executable of the tiny init
	pidns     string // namespace path to join; empty: its own
	onClamped func(ulimit string, hard uint64)
}

// spec is a pure function of the blueprint.
func (b blueprint) spec() (*specs.Spec, error) {
	args, err := b.args()
	if err != nil {
		return nil, err
	}
	mounts, err := b.mounts()
	if err != nil {
		return nil, err
	}
	rlimits, err := b.rlimits()
	if err != nil {
		return nil, err
	}
	caps := capabilities(b.container, b.limits.caps)
	s := &specs.Spec{
		Version:  "1.0.2",
		Hostname: b.sandbox.Hostname,
		Root:     &specs.Root{Path: "rootfs", Readonly: b.container.ReadonlyRoot},
		Mounts:   mounts,
		Process: &specs.Process{
			Terminal: b.container.PseudoTTY,
			User:     b.user,
			Args:     args,
			Env:      b.env(),
			Cwd:      cwd(b.container.WorkingDir, b.image.WorkingDir),
			Rlimits:  rlimits,
			Capabilities: &specs.LinuxCapabilities{
				Bounding: caps, Permitted: caps, Effective: caps,
			},
		},
		Linux: &specs.Linux{
			CgroupsPath: b.group,
			Namespaces:  b.namespaces(),
			Resources:   b.resources(),
			Sysctl:      b.container.Sysctls,
			MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths,
		},
	}
	if b.container.Privileged {
		s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
		s.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
	} else if b.seccomp {
		s.Linux.Seccomp = filter(s, b.foreign)
	}
	return s, nil
}

func (b blueprint) args() ([]string, error) {
	c := b.container
	args := slices.Clone(c.Entrypoint)
	switch {
	case c.Entrypoint != nil:
		args = append(args, c.Command...)
	case c.Command != nil:
		args = append(slices.Clone(b.image.Entrypoint), c.Command...)
	default:
		args = append(slices.Clone(b.image.Entrypoint), b.image.Cmd...)
	}
	if len(args) == 0 {
		return nil, errors.New("no command specified")
	}
	if c.Init {
		args = append([]string{pid1.Path, "--"}, args...)
	}
	return args, nil
}

// env is the image's environment with the container's on top.
func (b blueprint) env() []string {
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if b.sandbox.Hostname != "" {
		env = append(env, "HOSTNAME="+b.sandbox.Hostname)
	}
	if b.container.PseudoTTY {
		env = append(env, "TERM=xterm")
	}
	return mergeEnv(env, b.image.Env, b.container.Env)
}

// mergeEnv lets later values win and keeps the place of the first.
func mergeEnv(lists ...[]string) []string {
	var out []string
	at := map[string]int{}
	for _, kv := range slices.Concat(lists...) {
		key, _, _ := strings.Cut(kv, "=")
		if i, ok := at[key]; ok {
			out[i] = kv
			continue
		}
		at[key] = len(out)
		out = append(out, kv)
	}
	return out
}

func cwd(own, image string) string {
	dir := "/"
	if own != "" {
		dir = own
	} else if image != "" {
		dir = image
	}
	return filepath.Join("/", dir)
}

func (b blueprint) namespaces() []specs.LinuxNamespace {
	ns := []specs.LinuxNamespace{
		{Type: specs.MountNamespace},
		{Type: specs.IPCNamespace},
		{Type: specs.UTSNamespace},
		{Type: specs.NetworkNamespace, Path: b.sandbox.NetNS},
		{Type: specs.PIDNamespace, Path: b.pidns},
	}
	if b.unified {
		ns = append(ns, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
	return ns
}

// resources are the container's share of its task: a cpu weight, and memory limits of its own if it has any
// (AWS: Amazon ECS Developer Guide, "Amazon ECS task definition parameters for Fargate").
func (b blueprint) resources() *specs.LinuxResources {
	c := b.container
	r := &specs.LinuxResources{
		Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		CPU:     &specs.LinuxCPU{Shares: new(uint64(max(2, c.CPUUnits)))},
	}
	if c.MemoryMiB > 0 || c.MemoryReservationMiB > 0 {
		r.Memory = &specs.LinuxMemory{}
	}
	if c.MemoryMiB > 0 {
		limit := int64(c.MemoryMiB) << 20
		r.Memory.Limit = &limit
		if b.swap {
			r.Memory.Swap = &limit
		}
	}
	if c.MemoryReservationMiB > 0 {
		r.Memory.Reservation = new(int64(c.MemoryReservationMiB) << 20)
	}
	return r
}

// rlimits are the container's own and Fargate's default for open files (AWS: Amazon ECS API Reference, "Ulimit").
func (b blueprint) rlimits() ([]specs.POSIXRlimit, error) {
	wanted := map[string]task.Ulimit{"nofile": {Name: "nofile", Soft: 65535, Hard: 65535}}
	for _, u := range b.container.Ulimits {
		if _, ok := resources[u.Name]; !ok {
			return nil, fmt.Errorf("invalid ulimit type: %s", u.Name)
		}
		wanted[u.Name] = u
	}
	var out []specs.POSIXRlimit
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		u := wanted[name]
		soft, hard, clamped := b.limits.clamp(name, uint64(u.Soft), uint64(u.Hard)) // -1 becomes infinity
		if clamped && b.onClamped != nil {
			b.onClamped(name, hard)
		}
		out = append(out, specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(name), Soft: soft, Hard: hard})
	}
	return out, nil
}

var maskedPaths = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
	"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
}

var readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
