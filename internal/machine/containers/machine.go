package containers

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineLimits is what this process may hand on to containers. In some sandboxes root is not almighty.
type machineLimits struct {
	caps     uint64 // bounding set
	resource bool   // CAP_SYS_RESOURCE: hard limits may be raised
	nrOpen   uint64 // largest nofile the kernel knows
}

func readLimits() machineLimits {
	m := machineLimits{caps: ^uint64(0), resource: true, nrOpen: 1 << 20}
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			switch {
			case err != nil:
			case name == "CapBnd":
				m.caps = n
			case name == "CapEff":
				m.resource = n&(1<<unix.CAP_SYS_RESOURCE) != 0
			}
		}
	}
	if b, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil {
			m.nrOpen = n
		}
	}
	return m
}

// clamp lowers a wanted limit to what can be had: the hard limit of this process if it may not raise it.
func (m machineLimits) clamp(name string, soft, hard uint64) (uint64, uint64, bool) {
	most := uint64(unix.RLIM_INFINITY)
	if name == "nofile" {
		most = m.nrOpen
	}
	if !m.resource {
		var own unix.Rlimit
		if err := unix.Getrlimit(resources[name], &own); err == nil {
			most = min(most, own.Max)
		}
	}
	s, h := min(soft, most), min(hard, most)
	return min(s, h), h, s != soft || h != hard
}

// resources are the limits that a task definition may set.
var resources = map[string]int{
	"core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
	"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nice": unix.RLIMIT_NICE,
	"nofile": unix.RLIMIT_NOFILE, "nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO,
	"rttime": unix.RLIMIT_RTTIME, "sigpending": unix.RLIMIT_SIGPENDING, "stack": unix.RLIMIT_STACK,
}

// hasSeccomp tells whether the runtime can filter system calls.
func hasSeccomp(runtime string) bool {
	out, err := exec.Command(runtime, "--version").Output()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(bytes.Split(out, []byte("\n")), func(line []byte) bool {
		return bytes.HasPrefix(line, []byte("libseccomp:")) || bytes.Contains(line, []byte("+SECCOMP"))
	})
}

// isStatic tells whether an executable runs without a dynamic linker, so in any image.
func isStatic(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}
