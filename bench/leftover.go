package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/nftables"
)

// leftovers are the traces of a platform on the machine: none once it has been taken down.
func (p *platform) leftovers() (out []string) {
	for _, pattern := range []string{
		"/run/netns/ng-" + p.instance + "-*", "/run/neargate-" + p.instance + "*",
		"/sys/fs/cgroup/neargate-" + p.instance, "/sys/fs/cgroup/*/neargate-" + p.instance,
	} {
		found, _ := filepath.Glob(pattern)
		out = append(out, found...)
	}
	for line := range strings.Lines(contentOf("/proc/self/mountinfo")) {
		if strings.Contains(line, p.dir) || strings.Contains(line, p.instance) {
			out = append(out, "mount "+strings.TrimSpace(line))
		}
	}
	if links, err := net.Interfaces(); err == nil {
		for _, l := range links {
			if strings.HasPrefix(l.Name, "ng"+p.instance) {
				out = append(out, "link "+l.Name)
			}
		}
	}
	if tables, err := (&nftables.Conn{}).ListTables(); err == nil {
		for _, t := range tables {
			if strings.Contains(t.Name, p.instance) {
				out = append(out, "table "+t.Name)
			}
		}
	}
	return append(out, processesOf(p.dir)...)
}

// processesOf are the processes that mention a path in their command line.
func processesOf(path string) (out []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		line, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(line), path) {
			out = append(out, "process "+filepath.Base(filepath.Dir(f))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return out
}
