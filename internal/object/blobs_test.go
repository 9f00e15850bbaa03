package object

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// moving calls meet again and again, each time while a content is moved to its place.
func moving(t *testing.T, meet func(b *blobs, id string)) {
	t.Helper()
	b, err := openBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		id := "00" + newBlobID()[2:] // one directory, so that moving takes one step
		if err := os.WriteFile(b.draft(id), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if err := b.settle(id); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		})
		meet(b, id)
		both.Wait()
		if t.Failed() {
			return
		}
		if err := errors.Join(unlink(b.draft(id)), unlink(b.place(id))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRemoveWhileMoving: an object that is replaced as soon as it has its row leaves nothing behind.
func TestRemoveWhileMoving(t *testing.T) {
	moving(t, func(b *blobs, id string) {
		if gone, err := b.remove([]string{id}); err != nil || len(gone) != 1 {
			t.Errorf("%v %v", gone, err)
		}
		if f, err := b.open(id); f != nil {
			t.Errorf("left: %v", errors.Join(errors.New(f.Name()), f.Close()))
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
}

// TestLinkWhileMoving: an object can be copied as soon as it has its row.
func TestLinkWhileMoving(t *testing.T) {
	moving(t, func(b *blobs, id string) {
		copied, err := b.link(id)
		if err := errors.Join(err, unlink(b.draft(copied))); err != nil {
			t.Error(err)
		}
	})
}
