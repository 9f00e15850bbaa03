package s3_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestPythonSDK keeps files in a bucket with the SDK that most scripts use.
func TestPythonSDK(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: ", err)
	}
	out, err := exec.Command("python3", "testdata/files.py", open(t).url).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}
