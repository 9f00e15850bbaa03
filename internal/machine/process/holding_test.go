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

func TestRuns(t *testing.T) {
	content, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := write("program", content)
	sleep := exec.Command(program, "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
	other := slices.Clone(content)
	other[len(other)-1] ^= 1
	for path, want := range map[string]bool{
		program: true, write("copy", content): true, write("other", other): false, write("longer", append(content, 0)): false,
	} {
		if got, err := Identify(sleep.Process.Pid).Runs(path); got != want || err != nil {
			t.Errorf("%s: %v %v", path, got, err)
		}
	}
}
