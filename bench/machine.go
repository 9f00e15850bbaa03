package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is what the figures were taken on and with.
type machine struct {
	commit   string
	hardware string
	versions []string
	at       time.Time
}

func describeMachine(ctx context.Context, binary string) machine {
	m := machine{at: time.Now(), commit: strings.TrimPrefix(firstLine(ctx, binary, "version"), "neargate ")}
	m.hardware = fmt.Sprintf("%d cores (%s), %s of memory, Linux %s", runtime.NumCPU(),
		fieldOf("/proc/cpuinfo", "model name"), fieldOf("/proc/meminfo", "MemTotal"), contentOf("/proc/sys/kernel/osrelease"))
	m.versions = append(m.versions, "Neargate "+m.commit, runtime.Version(), firstLine(ctx, "runc", "--version"))
	for _, c := range [][]string{
		{"containerd", "--version"},
		{"nginx", "-v"},
		{"wrk", "-v"},
		{"python3", "-c", "import importlib.metadata as m; print('moto', m.version('moto'))"},
	} {
		if line := firstLine(ctx, c[0], c[1:]...); line != "" {
			m.versions = append(m.versions, line)
		}
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("Machine: %s.\n\nVersions: %s.\n\nTaken %s.\n", m.hardware, strings.Join(m.versions, "; "), m.at.UTC().Format("2006-01-02 15:04 UTC"))
}

// firstLine is the first line that a command says, empty where there is no such command.
func firstLine(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).CombinedOutput() // wrk -v exits with 1
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if strings.HasPrefix(line, "Traceback") {
		return ""
	}
	line, _, _ = strings.Cut(line, " Copyright")
	return strings.TrimSpace(line)
}

func contentOf(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// fieldOf is the value of a "name : value" line.
func fieldOf(path, name string) string {
	for line := range strings.Lines(contentOf(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	fields := strings.Fields(contentOf("/proc/loadavg"))
	return fields[0]
}

// executable is the absolute path of a program that exists.
func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); err != nil {
		return "", fmt.Errorf("%w (make build builds it)", err)
	}
	return abs, nil
}
