package object

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDuplicate(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := duplicate(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); string(got) != "content" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := duplicate(from, to); err == nil {
		t.Error("overwrites")
	}
	if err := duplicate(filepath.Join(dir, "none"), filepath.Join(dir, "other")); err == nil {
		t.Error("copies nothing")
	}
}
