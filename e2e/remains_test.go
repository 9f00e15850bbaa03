package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// remains finds what a platform has on this machine outside its data directory.
type remains struct {
	instance, dir string
	pool          *net.IPNet // of public addresses
}

// host finds the platform's address on the machine, which is the first of its public pool.
func (r *remains) host() (net.IP, error) {
	addresses, err := listed(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, unix.AF_INET) })
	for _, a := range addresses {
		if strings.HasSuffix(a.Label, r.instance) {
			mask := net.CIDRMask(20, 32)
			r.pool = &net.IPNet{IP: a.IP.Mask(mask), Mask: mask}
			return a.IP, nil
		}
	}
	return nil, errors.Join(err, errors.New("no address has the label of "+r.instance))
}

// listed lists objects of the kernel. It begins anew when they changed meanwhile: other tests' platforms make links and routes too.
func listed[T any](list func() ([]T, error)) (all []T, err error) {
	for range 100 {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}

// all is everything, to be empty after an interrupt.
func (r remains) all() []string {
	left := r.workload()
	for _, look := range []func() ([]string, error){r.machine, r.runs} {
		found, err := look()
		if err != nil {
			found = append(found, err.Error())
		}
		left = append(left, found...)
	}
	return append(left, r.processes(func(string) bool { return true })...)
}

// workload is what belongs to VPCs and tasks, to be empty once everything is deleted.
func (r remains) workload() []string {
	var left []string
	for _, look := range []func() ([]string, error){r.namespaces, r.links, r.mounts, r.tasks} {
		found, err := look()
		if err != nil {
			found = append(found, err.Error())
		}
		left = append(left, found...)
	}
	return append(left, r.processes(func(command string) bool {
		return !strings.Contains(command, " serve ") && !strings.Contains(command, " edge ")
	})...)
}

// workloadGone wants nothing left of VPCs and tasks: what an API has deleted leaves the machine soon after.
func (p *platform) workloadGone(after string) {
	p.t.Helper()
	p.eventually(patience, "nothing is left after "+after, func() error {
		if left := p.remains.workload(); len(left) > 0 {
			return errors.New(strings.Join(left, "\n  "))
		}
		return nil
	})
}

func (r remains) namespaces() ([]string, error) {
	return filepath.Glob("/run/netns/ng-" + r.instance + "-*")
}

func (r remains) runs() ([]string, error) { return filepath.Glob("/run/neargate-" + r.instance + "*") }

func (r remains) links() (left []string, err error) {
	links, err := listed(netlink.LinkList)
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, "ng"+r.instance) {
			left = append(left, "link "+name)
		}
	}
	return left, err
}

// machine is what the host itself was given: table, address and route of the public pool, control group.
func (r remains) machine() (left []string, err error) {
	tables, err := (&nftables.Conn{}).ListTables()
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if strings.Contains(t.Name, r.instance) {
			left = append(left, "nft table "+t.Name)
		}
	}
	addresses, err := listed(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, unix.AF_INET) })
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if strings.HasSuffix(a.Label, r.instance) {
			left = append(left, fmt.Sprintf("address %s labelled %s", a.IPNet, a.Label))
		}
	}
	routes, err := listed(func() ([]netlink.Route, error) { return netlink.RouteList(nil, unix.AF_INET) })
	if err != nil {
		return nil, err
	}
	for _, route := range routes {
		if r.pool != nil && route.Dst != nil && r.pool.Contains(route.Dst.IP) {
			left = append(left, "route to "+route.Dst.String())
		}
	}
	groups, err := r.groups()
	return append(left, groups...), err
}

func (r remains) groups() (left []string, err error) {
	err = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it ended meanwhile
		}
		if d.IsDir() && d.Name() == "neargate-"+r.instance {
			left = append(left, "control group "+path)
			return fs.SkipDir
		}
		return nil
	})
	return left, err
}

// tasks are those that have a control group.
func (r remains) tasks() (left []string, err error) {
	groups, err := r.groups()
	for _, g := range groups {
		below, _ := os.ReadDir(strings.TrimPrefix(g, "control group "))
		for _, d := range below {
			if d.IsDir() {
				left = append(left, g+"/"+d.Name())
			}
		}
	}
	return left, err
}

func (r remains) mounts() (left []string, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 4 && (strings.HasPrefix(fields[4], r.dir) || strings.Contains(fields[4], r.instance)) {
			left = append(left, "mount "+fields[4])
		}
	}
	return left, err
}

// processes are those whose command line or control group names the platform.
func (r remains) processes(wanted func(command string) bool) (left []string) {
	entries, _ := os.ReadDir("/proc")
	for _, d := range entries {
		pid := d.Name()
		if pid[0] < '1' || pid[0] > '9' {
			continue
		}
		command, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
		if err != nil || len(command) == 0 { // gone, or a zombie
			continue
		}
		text := strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		group, _ := os.ReadFile(filepath.Join("/proc", pid, "cgroup"))
		ours := strings.Contains(text, r.dir) || strings.Contains(text, "neargate-"+r.instance) ||
			strings.Contains(string(group), "neargate-"+r.instance)
		if ours && wanted(text+" ") {
			left = append(left, "process "+pid+": "+text)
		}
	}
	return left
}

// containers are those that have processes, which the control groups show without asking the platform.
func (r remains) containers() (found []string) {
	groups, _ := r.groups()
	for _, g := range groups {
		paths, _ := filepath.Glob(filepath.Join(strings.TrimPrefix(g, "control group "), "*", "*", "cgroup.procs"))
		for _, p := range paths {
			if text, _ := os.ReadFile(p); len(strings.TrimSpace(string(text))) > 0 {
				found = append(found, filepath.Base(filepath.Dir(p)))
			}
		}
	}
	slices.Sort(found) // where controllers have hierarchies of their own each names the container
	return slices.Compact(found)
}
