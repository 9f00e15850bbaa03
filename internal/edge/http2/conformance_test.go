package http2

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// TestConformance runs h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible) against the engine.
func TestConformance(t *testing.T) {
	path, err := exec.LookPath("h2spec")
	if err != nil {
		if os.Getenv("NEARGATE_REQUIRE_CLIENTS") == "1" {
			t.Fatal("h2spec is not installed")
		}
		t.Skip("h2spec is not installed: make conformance")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serveOn(conn, echo, never)
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	out, err := exec.Command(path, "--strict", "-p", port, "-o", "5").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out[max(0, len(out)-200):])
}
