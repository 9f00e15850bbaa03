package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDemo runs the demo through: it builds its picture, rolls it over under load and takes it down.
func TestDemo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces, nftables and containers")
	}
	usage, _ := exec.Command(built.binary, "demo", "-h").CombinedOutput()
	if !strings.Contains(string(usage), "-once") {
		t.Skip("the demo has no --once yet")
	}
	t.Parallel()
	if err := room.Acquire(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	defer room.Release(2)
	before := neargates(t)
	cmd := exec.Command(built.binary, "demo", "--once")
	cmd.Dir = ".." // where the demo application is, for a program that was not built with it
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("demo --once: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, " 0 failed") {
		t.Errorf("the last line does not tell of 0 failed requests: %q", last)
	}
	if after := neargates(t); after != before {
		t.Errorf("left on the machine:\n%s\nbefore:\n%s", after, before)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// neargates are the namespaces of all platforms on this machine.
func neargates(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/run/netns")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "ng-") {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, "\n")
}
