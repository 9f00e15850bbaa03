package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlaceExecutable(t *testing.T) {
	dir, shm := t.TempDir(), "/dev/shm"
	other, err := os.MkdirTemp(shm, "neargate-test-") // another file system, most likely
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	long := strings.Repeat("x", 300<<10)
	for name, at := range map[string]string{"a link": filepath.Join(dir, "at"), "a copy": filepath.Join(other, "at")} {
		t.Run(name, func(t *testing.T) {
			place := func(text string) os.FileInfo {
				t.Helper()
				binary := filepath.Join(dir, name)
				_ = os.Remove(binary)
				if err := os.WriteFile(binary, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := placeExecutable(binary, at); err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(at); string(got) != text || err != nil {
					t.Fatalf("%d bytes, %v, want %d", len(got), err, len(text))
				}
				fi, err := os.Stat(at)
				if err != nil {
					t.Fatal(err)
				}
				return fi
			}
			first := place(long)
			if !os.SameFile(first, place(long)) {
				t.Error("the same program was placed again")
			}
			if os.SameFile(first, place(long[1:]+"y")) {
				t.Error("another program was written into the file of the first")
			}
			place("short")
		})
	}
}
