package containers

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/enginetest"
)

const probe = "test/probe:1"

func TestConformance(t *testing.T) {
	cfg := testConfig(t)
	archive := probeImage(t)
	enginetest.Run(t, func(t *testing.T) *enginetest.Harness {
		e := openEngine(t, cfg)
		if _, err := e.Images().Import(t.Context(), bytes.NewReader(archive), ""); err != nil {
			t.Fatal(err)
		}
		return &enginetest.Harness{
			Engine: e, Image: probe, Missing: "127.0.0.1:1/none/such:1", Kernel: true,
			NetNS: namespace,
			Reopen: func(t *testing.T) task.Engine {
				if err := e.Close(); err != nil { // which leaves the containers as a death would
					t.Fatal(err)
				}
				e = openEngine(t, cfg)
				return e
			},
			Output: func(t *testing.T, id string) []byte { return said(t, e, id) },
		}
	})
}

// probeImage is an archive of the suite's program.
func probeImage(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-o", out, "github.com/neargate/neargate/internal/task/enginetest/probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v: %s", err, msg)
	}
	program, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	img, err := image.FromFiles([]image.File{
		{Path: "/probe", Mode: 0o755, Data: program},
		{Path: "/seed", Mode: fs.ModeDir | 0o755},
		{Path: "/seed/file", Mode: 0o644, Data: []byte("seeded")},
	}, v1.Config{Entrypoint: []string{"/probe"}, Cmd: []string{"sleep"}, Env: []string{"FROM_IMAGE=yes"}, WorkingDir: "/seed"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := image.Write(&b, probe, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// namespace makes a network namespace with an interface of its own in it.
func namespace(t *testing.T) (path, link string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	name := fmt.Sprintf("ng-test-%d", os.Getpid())
	ns, err := netns.NewNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	t.Cleanup(func() { netns.DeleteNamed(name) })
	link = "ngtest0"
	err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: link}, PeerName: "ngtest1"})
	if back := netns.Set(home); back != nil {
		t.Fatal(back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "/run/netns/" + name, link
}

// said is what a container has said so far.
func said(t testing.TB, e *Engine, id string) []byte {
	t.Helper()
	r, err := spool.Open(e.Spool(id), 0)
	if err != nil {
		return nil
	}
	defer r.Close()
	var b strings.Builder
	for {
		rec, err := r.Read()
		if err != nil {
			return []byte(b.String())
		}
		b.Write(rec.Line)
		b.WriteByte('\n')
	}
}
