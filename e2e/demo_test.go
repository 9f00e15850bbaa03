package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/machine/fabric"
)

// TestDemo runs the demo through: it builds its picture, rolls it over under load and takes it down.
func TestDemo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces, nftables and containers")
	}
	t.Parallel()
	if err := room.Acquire(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	defer room.Release(whole)
	cmd := exec.Command(built.binary, "demo", "--once")
	cmd.Dir = ".." // where the demo application is, for a program that was not built with it
	// Its data directory, which is gone in the end, tells the names of what it makes.
	temp := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startBound(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var made remains
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("demo --once: %v", err)
			}
			running = false
		case <-time.After(50 * time.Millisecond):
			if dirs, _ := filepath.Glob(filepath.Join(temp, "neargate-demo-*", "data")); len(dirs) == 1 && made.dir == "" {
				instance, err := fabric.Instance(dirs[0])
				if err != nil {
					t.Fatal(err)
				}
				made = remains{instance: instance, dir: dirs[0]}
			}
			if made.dir != "" && made.pool == nil {
				_, _ = made.host() // until it has claimed one
			}
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, " 0 failed") {
		t.Errorf("the last line does not tell of 0 failed requests: %q", last)
	}
	if made.pool == nil {
		t.Errorf("its data directory %q and its addresses were not seen", made.dir)
	} else if left := made.all(); len(left) > 0 {
		t.Errorf("left on the machine:\n  %s", strings.Join(left, "\n  "))
	}
	if t.Failed() {
		t.Logf("%s", out.String())
	}
}
