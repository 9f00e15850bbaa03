package ec2

import (
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/gateway"
)

// TestPythonSDK builds and takes down the network of a production service with the real SDK.
func TestPythonSDK(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: ", err)
	}
	f := open(t)
	f.run()
	server := httptest.NewServer(gateway.Handler(gateway.Config{Account: "111122223333", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}, f.Service))
	defer server.Close()
	out, err := exec.Command("python3", "testdata/architecture.py", server.URL).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}
