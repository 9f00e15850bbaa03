package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/task"
)

func TestMain(m *testing.M) {
	if os.Getenv(heavyEnv) != "" { // under a shim's name
		heavy()
	}
	MaybeShim()
	if os.Getenv(victimEnv) != "" {
		victim()
	}
	if os.Getenv(restlessEnv) != "" {
		restless()
	}
	code := m.Run()
	os.RemoveAll(programDir)
	os.Exit(code)
}

// patience is how long anything may take on a busy machine.
const patience = time.Minute

const box = "test/box:1" // busybox and a few users

// boxImage is an archive of box.
func boxImage(t testing.TB) []byte {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil || !isStatic(path) {
		t.Skip("needs a static busybox (Debian: busybox-static)")
	}
	busybox, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := image.FromFiles([]image.File{
		{Path: "/bin/busybox", Mode: 0o755, Data: busybox},
		{Path: "/bin/sh", Mode: 0o755, Data: []byte("#!/bin/busybox sh\n")},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/data", Mode: fs.ModeDir | 0o750, UID: 1000, GID: 50},
		{Path: "/data/seed", Mode: 0o640, UID: 1000, GID: 50, Data: []byte("from the image\n")},
		{Path: "/etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/bin/sh\nann:x:1000:50:Ann:/home/ann:/bin/sh\n")},
		{Path: "/etc/group", Mode: 0o644, Data: []byte("root:x:0:\nstaff:x:50:\nextra:x:60:ann\n")},
	}, v1.Config{Entrypoint: []string{"/bin/busybox"}, Cmd: []string{"sleep", "1000"}, Env: []string{"PATH=/bin", "FROM=image"}, StopSignal: "SIGINT"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := image.Write(&b, box, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// testConfig is an engine's place of its own, which must be empty of traces when the test is over.
func testConfig(t testing.TB) Config {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if _, err := findRuntime("/"); err != nil {
		t.Skip(err)
	}
	cfg := Config{
		Instance: fmt.Sprintf("t%x", time.Now().UnixNano()&0xffffffff), DataDir: t.TempDir(), Binary: program(t),
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	t.Cleanup(func() {
		if err := Sweep(context.Background(), cfg); err != nil {
			t.Error(err)
		}
		traces(t, cfg)
	})
	return cfg
}

func openEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	e, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// testEngine is an engine with the image box.
func testEngine(t testing.TB) *Engine {
	t.Helper()
	cfg := testConfig(t)
	archive := boxImage(t)
	e := openEngine(t, cfg)
	if _, err := e.Images().Import(t.Context(), bytes.NewReader(archive), ""); err != nil {
		t.Fatal(err)
	}
	return e
}

// program is an executable that can be a shim and an init: this one, unless it is linked dynamically, as with -race.
func program(t testing.TB) string {
	t.Helper()
	if self, err := os.Executable(); err == nil && isStatic(self) {
		return self
	}
	path, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var programDir string

var buildProgram = sync.OnceValues(func() (string, error) {
	var err error
	if programDir, err = os.MkdirTemp("", "neargate-shim-"); err != nil {
		return "", err
	}
	path := filepath.Join(programDir, "shim")
	cmd := exec.Command("go", "build", "-o", path, "./testdata/shim")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the shim: %w: %s", err, out)
	}
	return path, nil
})

// traces fails the test for whatever a platform has left on the machine.
func traces(t testing.TB, cfg Config) {
	t.Helper()
	if err := cfg.complete(); err != nil {
		t.Error(err)
		return
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, cfg.DataDir) || strings.Contains(line, cfg.RunDir) {
			t.Errorf("mount left: %s", line)
		}
	}
	for _, p := range cfg.shims() {
		if p.Alive() {
			t.Errorf("shim left: %+v", p)
		}
	}
	if groups := groupDirs(cfg); len(groups) > 0 {
		t.Errorf("control groups left: %q", groups)
	}
	if _, err := os.Stat(cfg.RunDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("run directory left: %v", err)
	}
}

// start runs a container in a new task of its own and returns its id.
func start(t testing.TB, e *Engine, box task.Sandbox, c task.ContainerSpec) string {
	t.Helper()
	if err := e.CreateTask(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	c.TaskID = box.TaskID
	if c.ID == "" {
		c.ID = box.TaskID + "-main"
	}
	if c.Name == "" {
		c.Name = "main"
	}
	if err := e.CreateContainer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := e.StartContainer(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// sh is a container that runs a script.
func sh(script string) task.ContainerSpec {
	return task.ContainerSpec{Image: box, Entrypoint: []string{"/bin/busybox", "sh", "-c"}, Command: []string{script}}
}

// wait waits for the end of a container.
func wait(t testing.TB, e *Engine, id string) task.ContainerState {
	t.Helper()
	c := e.find(id)
	if c == nil {
		t.Fatalf("container %s does not exist", id)
	}
	select {
	case <-c.over:
	case <-time.After(patience):
		t.Fatalf("container %s goes on: %+v", id, c.now())
	}
	return c.now()
}

// output is everything a container has said, once it has ended.
func output(t testing.TB, e *Engine, id string) string {
	t.Helper()
	r, err := spool.Open(e.Spool(id), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var b strings.Builder
	for {
		rec, err := r.Next(ctx)
		if err != nil {
			if err.Error() != "EOF" {
				t.Errorf("output of %s: %v", id, err)
			}
			return b.String()
		}
		b.Write(rec.Line)
		b.WriteByte('\n')
	}
}

// run runs a script to its end.
func run(t testing.TB, e *Engine, s task.Sandbox, c task.ContainerSpec) (string, task.ContainerState) {
	t.Helper()
	id := start(t, e, s, c)
	st := wait(t, e, id)
	return output(t, e, id), st
}
