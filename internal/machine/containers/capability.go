package containers

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/task"
)

// defaultCapabilities is Docker's set, which Fargate uses.
var defaultCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID",
	"SETPCAP", "SETUID", "SYS_CHROOT",
}

// allCapabilities in the kernel's order of numbers.
var allCapabilities = []string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
	"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
	"SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
	"AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
	"PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

// capabilities of a container: Docker's default, first without what is dropped, then with what is added
// (AWS: Amazon ECS API Reference, "KernelCapabilities"), as far as this process has them to give.
func capabilities(c task.ContainerSpec, bounding uint64) []string {
	set := map[string]bool{}
	start := defaultCapabilities
	if c.Privileged || slices.Contains(c.CapAdd, "ALL") {
		start = allCapabilities
	}
	for _, name := range start {
		set[name] = true
	}
	for _, name := range c.CapDrop {
		if name = bare(name); name == "ALL" {
			clear(set)
		}
		delete(set, name)
	}
	for _, name := range c.CapAdd {
		set[bare(name)] = true
	}
	var out []string
	for n, name := range allCapabilities {
		if set[name] && bounding&(1<<n) != 0 {
			out = append(out, "CAP_"+name)
		}
	}
	return out
}

func bare(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }
