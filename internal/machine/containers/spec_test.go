package containers

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/task"
)

func TestArgs(t *testing.T) {
	image := ocispec.ImageConfig{Entrypoint: []string{"/ep"}, Cmd: []string{"cmd"}}
	for _, c := range []struct {
		name                string
		entrypoint, command []string
		init                bool
		image               ocispec.ImageConfig
		want                string
	}{
		{"the image's", nil, nil, false, image, "/ep cmd"},
		{"own command", nil, []string{"x"}, false, image, "/ep x"},
		{"own entrypoint drops the image's command", []string{"/a"}, nil, false, image, "/a"},
		{"both", []string{"/a"}, []string{"b", "c"}, false, image, "/a b c"},
		{"empty entrypoint", []string{}, []string{"b"}, false, image, "b"},
		{"init", nil, nil, true, image, "/dev/init -- /ep cmd"},
		{"nothing", nil, nil, false, ocispec.ImageConfig{}, "no command specified"},
	} {
		b := blueprint{container: task.ContainerSpec{Entrypoint: c.entrypoint, Command: c.command, Init: c.init}, image: c.image}
		args, err := b.args()
		got := strings.Join(args, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestMergeEnv(t *testing.T) {
	got := mergeEnv([]string{"A=1", "B=1"}, []string{"B=2", "C"}, []string{"A=", "D=x=y"})
	if want := "[A= B=2 C D=x=y]"; fmt.Sprint(got) != want {
		t.Errorf("%q, want %s", got, want)
	}
}

func TestCapabilities(t *testing.T) {
	all := ^uint64(0)
	for _, c := range []struct {
		name     string
		spec     task.ContainerSpec
		bounding uint64
		has, not string
		n        int
	}{
		{"default", task.ContainerSpec{}, all, "CHOWN NET_BIND_SERVICE", "SYS_ADMIN SYS_PTRACE", 14},
		{"add", task.ContainerSpec{CapAdd: []string{"SYS_PTRACE"}}, all, "SYS_PTRACE CHOWN", "SYS_ADMIN", 15},
		{"drop", task.ContainerSpec{CapDrop: []string{"NET_RAW", "CAP_KILL"}}, all, "CHOWN", "NET_RAW KILL", 12},
		{"drop all but", task.ContainerSpec{CapDrop: []string{"ALL"}, CapAdd: []string{"CHOWN"}}, all, "CHOWN", "SETUID", 1},
		{"all but", task.ContainerSpec{CapAdd: []string{"ALL"}, CapDrop: []string{"SYS_ADMIN"}}, all, "BPF", "SYS_ADMIN", 40},
		{"what there is", task.ContainerSpec{}, 1 << unix.CAP_CHOWN, "CHOWN", "KILL", 1},
	} {
		got := capabilities(c.spec, c.bounding)
		if len(got) != c.n {
			t.Errorf("%s: %d capabilities, want %d: %q", c.name, len(got), c.n, got)
		}
		for _, name := range strings.Fields(c.has) {
			if !slices.Contains(got, "CAP_"+name) {
				t.Errorf("%s: lacks %s", c.name, name)
			}
		}
		for _, name := range strings.Fields(c.not) {
			if slices.Contains(got, "CAP_"+name) {
				t.Errorf("%s: has %s", c.name, name)
			}
		}
	}
	if allCapabilities[unix.CAP_CHECKPOINT_RESTORE] != "CHECKPOINT_RESTORE" || allCapabilities[unix.CAP_SETFCAP] != "SETFCAP" || len(allCapabilities) != unix.CAP_LAST_CAP+1 {
		t.Error("the capabilities are not in the kernel's order")
	}
}

func TestRlimits(t *testing.T) {
	var told []string
	b := blueprint{
		limits:    machineLimits{resource: true, nrOpen: 100_000},
		container: task.ContainerSpec{Ulimits: []task.Ulimit{{Name: "nofile", Soft: 50, Hard: 200_000}, {Name: "core", Soft: -1, Hard: -1}}},
		onClamped: func(name string, hard uint64) { told = append(told, fmt.Sprint(name, hard)) },
	}
	got, err := b.rlimits()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("[{RLIMIT_CORE %d %[1]d} {RLIMIT_NOFILE 100000 50}]", uint64(unix.RLIM_INFINITY)); fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if fmt.Sprint(told) != "[nofile100000]" {
		t.Errorf("told %q", told)
	}
	b.container.Ulimits = nil
	if got, _ := b.rlimits(); fmt.Sprint(got) != "[{RLIMIT_NOFILE 65535 65535}]" {
		t.Errorf("default %v", got)
	}
	b.container.Ulimits = []task.Ulimit{{Name: "coffee"}}
	if _, err := b.rlimits(); err == nil {
		t.Error("an unknown limit is taken")
	}
}

func TestMounts(t *testing.T) {
	b := blueprint{
		bundle: "/b", volumes: "/v", sandbox: task.Sandbox{Volumes: []string{"deep", "flat"}},
		container: task.ContainerSpec{
			Mounts: []task.Mount{{Volume: "deep", Path: "/a/b/c", ReadOnly: true}, {Volume: "flat", Path: "/a/"}},
			Tmpfs:  []task.Tmpfs{{Path: "/a/b", SizeMiB: 5, Options: []string{"exec"}}},
		},
	}
	all, err := b.mounts()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all[len(all)-3:] {
		got = append(got, m.Destination+" "+m.Source+" "+strings.Join(m.Options, ","))
	}
	want := []string{"/a /v/flat rbind,rprivate,rw", "/a/b tmpfs nosuid,noexec,nodev,size=5m,exec", "/a/b/c /v/deep rbind,rprivate,ro"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, c := range map[string]task.ContainerSpec{
		"relative":       {Mounts: []task.Mount{{Volume: "flat", Path: "a"}}},
		"unknown volume": {Mounts: []task.Mount{{Volume: "none", Path: "/a"}}},
		"relative tmpfs": {Tmpfs: []task.Tmpfs{{Path: "a"}}},
	} {
		b.container = c
		if _, err := b.mounts(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
