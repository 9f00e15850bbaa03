package e2e

import "testing"

// TestSDKForPython runs testdata/sdk_for_python.py: paginators, waiters and error codes as boto3 has them.
func TestSDKForPython(t *testing.T) {
	python := client(t, "python3")
	p := start(t)
	if _, err := p.runs("", p.environment(), python, "-c", "import boto3"); err != nil {
		missing(t, "python3", "boto3 is not installed")
	}
	p.load(built.probe, "test/probe:latest")
	if out, err := p.runs("testdata", p.environment(), python, "-B", "sdk_for_python.py"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
