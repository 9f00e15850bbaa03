package proxy

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"testing"
)

// TestStreamConformance runs h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.6.0) against a load balancer, with a
// target behind it.
func TestStreamConformance(t *testing.T) {
	path, err := exec.LookPath("h2spec")
	if err != nil {
		t.Skip("h2spec is not installed")
	}
	b := newBench(t, httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "some content, for window sizes that are smaller than that")
	}))
	_, port, err := net.SplitHostPort(b.multiplex())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "--strict", "-p", port, "-o", "20").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
