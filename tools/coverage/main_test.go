package main

import (
	"bytes"
	"os"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../../docs/coverage.md")
	if err != nil || !bytes.Equal(have, page()) {
		t.Error("docs/coverage.md is not what the fronts bind: run make gen")
	}
}
