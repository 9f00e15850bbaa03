package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestHolding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cat := exec.Command("cat")
	cat.ExtraFiles = []*os.File{f}
	in, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	want := []ID{Identify(cat.Process.Pid)}
	for _, step := range []string{"open", "deleted"} {
		if got, err := Holding(path); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v, want %v", step, got, err, want)
		}
		os.Remove(path)
	}
	in.Close()
	if err := cat.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, err := Holding(path); err != nil || got != nil {
		t.Errorf("ended: %v %v", got, err)
	}
}
