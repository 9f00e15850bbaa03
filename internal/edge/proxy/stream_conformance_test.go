package proxy

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// TestStreamConformance runs h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible) against a load balancer, with a
// target behind it.
func TestStreamConformance(t *testing.T) {
	path, err := exec.LookPath("h2spec")
	if err != nil {
		if os.Getenv("NEARGATE_REQUIRE_CLIENTS") == "1" {
			t.Fatal("h2spec is not installed")
		}
		t.Skip("h2spec is not installed: make conformance")
	}
	b := newBench(t, httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "some content, for window sizes that are smaller than that")
	}))
	_, plain, err := net.SplitHostPort(b.multiplex())
	if err != nil {
		t.Fatal(err)
	}
	secured(t, b, nil)
	for _, arguments := range [][]string{{"-p", plain}, {"-t", "-k", "-p", strconv.Itoa(b.port)}} {
		if out, err := exec.Command(path, append(arguments, "--strict", "-o", "20")...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}
