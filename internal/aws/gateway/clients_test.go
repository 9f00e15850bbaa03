package gateway

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBotocore lets the real Python SDK speak to the gateway.
func TestBotocore(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: ", err)
	}
	out, err := exec.Command("python3", "testdata/roundtrip.py", serve(t, nil)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}
