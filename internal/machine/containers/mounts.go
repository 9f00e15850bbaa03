package containers

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/neargate/neargate/internal/machine/containers/pid1"
)

// mounts are what a container finds in its file system besides the image, in the order in which they are made.
func (b blueprint) mounts() ([]specs.Mount, error) {
	c := b.container
	shm := c.ShmSizeMiB
	if shm == 0 {
		shm = 64
	}
	sysMode := "ro"
	if c.Privileged {
		sysMode = "rw"
	}
	m := []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", sysMode}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", sysMode}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=" + strconv.Itoa(shm) + "m"}},
	}
	for _, name := range etcFiles {
		m = append(m, bind(filepath.Join(b.bundle, name), "/etc/"+name, false))
	}
	if c.Init {
		m = append(m, bind(b.init, pid1.Path, true))
	}
	var own []specs.Mount
	for _, t := range c.Tmpfs {
		if !filepath.IsAbs(t.Path) {
			return nil, fmt.Errorf("invalid mount path: '%s' mount path must be absolute", t.Path)
		}
		options := []string{"nosuid", "noexec", "nodev"}
		if t.SizeMiB > 0 {
			options = append(options, "size="+strconv.Itoa(t.SizeMiB)+"m")
		}
		own = append(own, specs.Mount{Destination: filepath.Clean(t.Path), Type: "tmpfs", Source: "tmpfs", Options: append(options, t.Options...)})
	}
	for _, v := range c.Mounts {
		if !filepath.IsAbs(v.Path) {
			return nil, fmt.Errorf("invalid mount path: '%s' mount path must be absolute", v.Path)
		}
		if !slices.Contains(b.sandbox.Volumes, v.Volume) {
			return nil, fmt.Errorf("volume %s is not one of the task's", v.Volume)
		}
		own = append(own, bind(filepath.Join(b.volumes, v.Volume), filepath.Clean(v.Path), v.ReadOnly))
	}
	// A mount below another one has to come after it.
	slices.SortStableFunc(own, func(x, y specs.Mount) int { return depth(x.Destination) - depth(y.Destination) })
	return append(m, own...), nil
}

func bind(source, at string, readOnly bool) specs.Mount {
	mode := "rw"
	if readOnly {
		mode = "ro"
	}
	return specs.Mount{Destination: at, Type: "bind", Source: source, Options: []string{"rbind", "rprivate", mode}}
}

func depth(path string) int {
	if path == "/" {
		return 0
	}
	n := 0
	for _, r := range path {
		if r == '/' {
			n++
		}
	}
	return n
}
