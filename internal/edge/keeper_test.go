package edge

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// keepAll keeps snapshots of the generations 1 to n, each shorter than the one before, and returns their contents by generation.
func keepAll(t *testing.T, path string, n int) (contents [][]byte) {
	t.Helper()
	k, kept, err := openKeeper(path)
	if err != nil || kept != nil {
		t.Fatalf("%q, %v", kept, err)
	}
	contents = make([][]byte, n+1)
	for i := 1; i <= n; i++ {
		s := &edgeapi.Snapshot{Generation: uint64(i), CookieKey: bytes.Repeat([]byte("k"), 1000*(n-i))}
		if contents[i], err = json.Marshal(s); err != nil {
			t.Fatal(err)
		}
		if err := k.keep(s, contents[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.close(); err != nil {
		t.Fatal(err)
	}
	return contents
}

func TestKeeper(t *testing.T) {
	for n := 1; n <= 4; n++ {
		path := filepath.Join(t.TempDir(), "snapshot")
		contents := keepAll(t, path, n)
		k, kept, err := openKeeper(path)
		if err != nil || !bytes.Equal(kept, contents[n]) {
			t.Fatalf("%d: %q, %v", n, kept, err)
		}
		next := &edgeapi.Snapshot{Generation: uint64(n + 1)}
		if err := k.keep(next, []byte("next")); err != nil {
			t.Fatal(err)
		}
		k.close()
		damage(t, path, []byte("next"))
		if _, kept, err = openKeeper(path); err != nil || !bytes.Equal(kept, contents[n]) {
			t.Errorf("%d: after a restart the snapshot before the last was written over: %q, %v", n, kept, err)
		}
	}
}

// damage changes an octet of content, in whichever file it is.
func damage(t *testing.T, path string, content []byte) {
	t.Helper()
	for slot := range 2 {
		all, err := os.ReadFile(slotName(path, slot))
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, _ := bytes.Cut(all, []byte("\n")); bytes.HasPrefix(rest, content) {
			all[len(all)-len(rest)] ^= 1
			if err := os.WriteFile(slotName(path, slot), all, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestKeeperTorn has the process killed after any part of a write: the snapshot before is there.
func TestKeeperTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot")
	contents := keepAll(t, path, 4)
	newest := slotName(path, 1) // generations 1 and 3 are in the first file
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.IndexByte(whole, '\n') + 1
	for _, size := range []int{1, head - 1, head, head + 1, head + len(contents[4]) - 1} {
		torn := append([]byte(nil), whole...)
		for i := size; i < head+len(contents[4]); i++ {
			torn[i] = 'x' // what was there before
		}
		if err := os.WriteFile(newest, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, kept, err := openKeeper(path); err != nil || !bytes.Equal(kept, contents[3]) {
			t.Errorf("after %d octets: %.60q, %v", size, kept, err)
		}
	}
	if err := os.WriteFile(newest, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, kept, err := openKeeper(path); err != nil || !bytes.Equal(kept, contents[4]) {
		t.Errorf("whole again: %.60q, %v", kept, err)
	}
}

// FuzzSlot reads files of any content. What is read is what its checksum says.
func FuzzSlot(f *testing.F) {
	f.Add([]byte("neargate 1 2 00000000\n{}"))
	f.Add([]byte("neargate 1 2 297bd0aa\n{}"))
	f.Add([]byte("neargate 1 -2 00000000\n{}"))
	f.Add([]byte("neargate 18446744073709551615 99999999999 ffffffff\n"))
	f.Fuzz(func(t *testing.T, all []byte) {
		read := func(all []byte) ([]byte, error) {
			path := filepath.Join(t.TempDir(), "slot")
			if err := os.WriteFile(path, all, 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			_, content, err := readSlot(file)
			return content, err
		}
		content, err := read(all)
		if err != nil || len(content) == 0 {
			return
		}
		at := bytes.IndexByte(all, '\n') + 1
		if !bytes.HasPrefix(all[at:], content) {
			t.Fatalf("%q is not what follows the first line", content)
		}
		all[at+len(content)-1] ^= 1
		if _, err := read(all); err == nil {
			t.Fatal("a changed octet goes unnoticed")
		}
	})
}
