package registry

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/neargate/neargate/internal/state"
)

func (r *Registry) upload(t *testing.T, repository, content string) string {
	t.Helper()
	id, err := r.StartUpload(repository)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Upload(repository, id, -1, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestDeleteWhileUploading: a blob that one repository gives up while another gets it stays.
func TestDeleteWhileUploading(t *testing.T) {
	r, _ := serve(t, false)
	ours, theirs := Key(account, region, "app"), Key(account, region, "doomed")
	for i := range 100 {
		content := strings.Repeat("x", i)
		digest := DigestOf([]byte(content))
		r.repository(t, "doomed", false)
		if err := r.FinishUpload(t.Context(), theirs, r.upload(t, theirs, content), digest); err != nil {
			t.Fatal(err)
		}
		id := r.upload(t, ours, content)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := r.DeleteRepository(t.Context(), theirs, true); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := r.FinishUpload(t.Context(), ours, id, digest); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		f, err := r.OpenLayer(ours, digest)
		if err != nil {
			t.Fatalf("blob %d: %v", i, err)
		}
		f.Close()
	}
}

// TestUploadGoesOn: a part that broke off half way can be sent again from where it broke.
func TestUploadGoesOn(t *testing.T) {
	r, _ := serve(t, false)
	key := Key(account, region, "app")
	id := r.upload(t, key, "one, ")
	broken := errors.New("broken off")
	size, err := r.Upload(key, id, 5, io.MultiReader(strings.NewReader("tw"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || size != 7 {
		t.Fatalf("%d bytes, %v", size, err)
	}
	if _, err := r.Upload(key, id, 5, strings.NewReader("two")); !errors.Is(err, ErrUploadRange) {
		t.Errorf("from the start of the broken part: %v", err)
	}
	if _, err := r.Upload(key, id, size, strings.NewReader("o")); err != nil {
		t.Fatal(err)
	}
	digest := DigestOf([]byte("one, two"))
	if err := r.FinishUpload(t.Context(), key, id, digest); err != nil {
		t.Fatal(err)
	}
	f, err := r.OpenLayer(key, digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "one, two" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestMount: a layer comes from a repository of the same account, from no other.
func TestMount(t *testing.T) {
	r, host := serve(t, false)
	r.repository(t, "next", false)
	theirs := &Repository{Account: "111111111111", Region: region, Name: "app"}
	if err := r.store.Update(t.Context(), func(tx *state.Tx) error { r.tables.Repositories.Put(tx, theirs); return nil }); err != nil {
		t.Fatal(err)
	}
	key, digest := Key(account, region, "app"), DigestOf([]byte("x"))
	if err := r.FinishUpload(t.Context(), key, r.upload(t, key, "x"), digest); err != nil {
		t.Fatal(err)
	}
	for to, status := range map[string]int{"next": http.StatusCreated, "111111111111/us-east-1/app": http.StatusAccepted} {
		res, err := http.Post("http://"+host+"/v2/"+to+"/blobs/uploads/?mount="+digest+"&from="+account+"/us-east-1/app", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("mount into %s: %s, want %d", to, res.Status, status)
		}
	}
}

// TestBlobsOfNobody: a process that is killed between a blob's file and its row leaves nothing for good.
func TestBlobsOfNobody(t *testing.T) {
	r, _ := serve(t, false)
	repository := Key(account, region, "app")
	kept, lost := DigestOf([]byte("kept")), DigestOf([]byte("lost"))
	for text, digest := range map[string]string{"kept": kept, "lost": lost} {
		if err := r.FinishUpload(t.Context(), repository, r.upload(t, repository, text), digest); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.store.Update(t.Context(), func(tx *state.Tx) error { r.tables.Layers.Delete(tx, at(repository, lost)); return nil }); err != nil {
		t.Fatal(err)
	}
	again, err := Open(r.store, r.tables, r.blobs.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.blobs.size(lost); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a blob that no repository has: %v", err)
	}
	if _, err := again.blobs.size(kept); err != nil {
		t.Error(err)
	}
}
