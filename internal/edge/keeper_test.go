package edge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// keepAll keeps n contents, each shorter than the one before, and returns them, from 1.
func keepAll(t *testing.T, path string, n int) (contents [][]byte) {
	t.Helper()
	k, kept, err := openKeeper(path)
	if err != nil || kept != nil {
		t.Fatalf("%q, %v", kept, err)
	}
	contents = make([][]byte, n+1)
	for i := 1; i <= n; i++ {
		contents[i] = bytes.Repeat([]byte{byte('0' + i)}, 100*(n-i+1))
		if err := k.keep(contents[i]); err != nil {
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
		for slot := range 2 { // nothing is left of longer ones
			all, err := os.ReadFile(slotName(path, slot))
			if err != nil {
				t.Fatal(err)
			}
			if _, content, err := parseSlot(all); len(all) > 0 && (err != nil || !bytes.HasSuffix(all, content)) {
				t.Errorf("%d: %.30q…%.30q, %v", n, all, content, err)
			}
		}
		if err := k.keep([]byte("next")); err != nil {
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
		if at := bytes.Index(all, content); at >= 0 {
			all[at] ^= 1
			if err := os.WriteFile(slotName(path, slot), all, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestKeeperTorn has the process killed after any part of a write, over a longer snapshot and over one as long: the snapshot before is there.
func TestKeeperTorn(t *testing.T) {
	for _, shrinking := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "snapshot")
		k, _, err := openKeeper(path)
		if err != nil {
			t.Fatal(err)
		}
		content := func(i int) []byte {
			size := 50
			if shrinking {
				size -= i
			}
			return bytes.Repeat([]byte{byte('0' + i)}, size)
		}
		for i := 1; i <= 11; i++ { // so that the number of the write gets longer too
			if err := k.keep(content(i)); err != nil {
				t.Fatal(err)
			}
		}
		slot := slotName(path, int((k.count+1)%2))
		old, err := os.ReadFile(slot)
		if err != nil {
			t.Fatal(err)
		}
		if err := k.keep(content(12)); err != nil {
			t.Fatal(err)
		}
		k.close()
		whole, err := os.ReadFile(slot)
		if err != nil {
			t.Fatal(err)
		}
		for size := range whole {
			torn := append([]byte(nil), old[:min(len(old), len(whole))]...)
			torn = append(torn, make([]byte, max(0, size-len(torn)))...)
			copy(torn, whole[:size])
			if err := os.WriteFile(slot, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, kept, err := openKeeper(path); err != nil || !bytes.Equal(kept, content(11)) {
				t.Errorf("after %d octets: %q, %v", size, kept, err)
			}
		}
		if err := os.WriteFile(slot, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, kept, err := openKeeper(path); err != nil || !bytes.Equal(kept, content(12)) {
			t.Errorf("whole again: %q, %v", kept, err)
		}
	}
}

// FuzzSlot reads files of any content. What is read is what its checksum says.
func FuzzSlot(f *testing.F) {
	f.Add([]byte("neargate 1 2 00000000\n{}"))
	f.Add(fmt.Appendf(nil, slotHead+"{}", 1, 2, checksum(1, []byte("{}"))))
	f.Add([]byte("neargate 1 -2 00000000\n{}"))
	f.Add([]byte("neargate 18446744073709551615 99999999999 ffffffff\n"))
	f.Fuzz(func(t *testing.T, all []byte) {
		_, content, err := parseSlot(all)
		if err != nil || len(content) == 0 {
			return
		}
		at := bytes.IndexByte(all, '\n') + 1
		if !bytes.HasPrefix(all[at:], content) {
			t.Fatalf("%q is not what follows the first line", content)
		}
		all[at+len(content)-1] ^= 1
		if _, _, err := parseSlot(all); err == nil {
			t.Fatal("a changed octet goes unnoticed")
		}
	})
}
