package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/neargate/neargate/internal/state"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

func serve(t *testing.T, enforce bool) (*Registry, string) {
	t.Helper()
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r, err := Open(store, tables, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(nil)
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	srv.Config.Handler = &Handler{Registry: r, Place: Place{Endpoint: host, Account: account, Region: region}, Enforce: enforce, Log: slog.New(slog.DiscardHandler)}
	r.repository(t, "app", false)
	return r, host
}

func (r *Registry) repository(t *testing.T, name string, immutable bool) {
	t.Helper()
	row := &Repository{Account: account, Region: region, Name: name, Created: time.Now(), Immutable: immutable}
	if err := r.store.Update(t.Context(), func(tx *state.Tx) error { r.tables.Repositories.Put(tx, row); return nil }); err != nil {
		t.Fatal(err)
	}
}

func push(t *testing.T, ref string, opts ...remote.Option) (string, error) {
	t.Helper()
	img, err := random.Image(100_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String(), remote.Write(tag, img, opts...)
}

func TestPushAndPull(t *testing.T) {
	_, host := serve(t, false)
	digest, err := push(t, host+"/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{host + "/app:v1", host + "/app@" + digest, host + "/" + account + "/" + region + "/app:v1"} {
		r, err := name.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(r)
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			rc, err := l.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, rc); err != nil { // checks the digest
				t.Fatal(err)
			}
			rc.Close()
		}
	}
	repo, err := name.NewRepository(host + "/app")
	if err != nil {
		t.Fatal(err)
	}
	if tags, err := remote.List(repo); err != nil || len(tags) != 1 || tags[0] != "v1" {
		t.Errorf("tags %v, %v", tags, err)
	}
}

func TestUnknownRepository(t *testing.T) {
	_, host := serve(t, false)
	if _, err := push(t, host+"/none:v1"); err == nil || !strings.Contains(err.Error(), "NAME_UNKNOWN") {
		t.Errorf("pushing to a repository that was never created: %v", err)
	}
}

func TestImmutableTags(t *testing.T) {
	r, host := serve(t, false)
	r.repository(t, "fixed", true)
	if _, err := push(t, host+"/fixed:v1"); err != nil {
		t.Fatal(err)
	}
	if _, err := push(t, host+"/fixed:v1"); err == nil || !strings.Contains(err.Error(), "TAG_INVALID") {
		t.Errorf("moving an immutable tag: %v", err)
	}
	if _, err := push(t, host+"/fixed:v2"); err != nil {
		t.Error(err)
	}
}

func TestEnforcedLogin(t *testing.T) {
	r, host := serve(t, true)
	if _, err := push(t, host+"/app:v1"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a password: %v", err)
	}
	password, _, err := r.Password(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := push(t, host+"/app:v1", remote.WithAuth(&authn.Basic{Username: User, Password: password})); err != nil {
		t.Error(err)
	}
	other, _, err := r.Password(t.Context(), "111111111111")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := push(t, host+"/app:v1", remote.WithAuth(&authn.Basic{Username: User, Password: other})); err == nil {
		t.Error("another account's password pushes")
	}
	later := &Registry{store: r.store, tables: r.tables, now: func() time.Time { return time.Now().Add(TokenLife + time.Minute) }}
	if _, err := later.Verify(t.Context(), password); !errors.Is(err, ErrToken) {
		t.Errorf("an old password: %v", err)
	}
}

func TestDeleteGivesBlobsBack(t *testing.T) {
	r, host := serve(t, false)
	digest, err := push(t, host+"/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	key := Key(account, region, "app")
	img, err := r.Image(r.store.View(), key, digest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.DeleteImage(t.Context(), key, digest); err != nil {
		t.Fatal(err)
	}
	for _, b := range img.Blobs {
		if _, err := r.blobs.size(b); err == nil {
			t.Errorf("blob %s is still there", b)
		}
	}
}

func TestBadUploads(t *testing.T) {
	r, host := serve(t, false)
	key := Key(account, region, "app")
	id, err := r.StartUpload(key)
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + host + "/v2/app/blobs/uploads/" + id
	for _, c := range []struct {
		what, method, url, rng, body string
		status                       int
	}{
		{"a gap", "PATCH", at, "5-9", "hello", 416},
		{"no range at all", "PATCH", at, "x-y", "hello", 416},
		{"the wrong digest", "PUT", at + "?digest=sha256:" + strings.Repeat("0", 64), "", "hello", 400},
		{"no digest", "PUT", at, "", "", 400},
		{"a digest that would leave the folder", "PUT", at + "?digest=sha256:../../etc/passwd", "", "", 400},
		{"another repository's upload", "PATCH", strings.Replace(at, "/app/", "/other/", 1), "", "x", 404},
		{"no such upload", "PATCH", "http://" + host + "/v2/app/blobs/uploads/00000000-0000-0000-0000-000000000000", "", "x", 404},
		{"a manifest that is none", "PUT", "http://" + host + "/v2/app/manifests/v1", "", "{", 400},
		{"a manifest of 5 MB", "PUT", "http://" + host + "/v2/app/manifests/v1", "", strings.Repeat("x", 5<<20), 413},
		{"dots in the path", "GET", "http://" + host + "/v2/..%2f..%2fetc/tags/list", "", "", 404},
		{"a method it has not", "POST", "http://" + host + "/v2/app/tags/list", "", "", 405},
	} {
		req, err := http.NewRequestWithContext(context.Background(), c.method, c.url, bytes.NewBufferString(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.rng != "" {
			req.Header.Set("Content-Range", c.rng)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", c.what, res.StatusCode, c.status)
		}
	}
}

func TestPlace(t *testing.T) {
	p := Place{Endpoint: "localhost:4566", Account: account, Region: region}
	for _, c := range []struct{ image, want string }{
		{"localhost:4566/app:v1", "localhost:4566/app:v1"},
		{"000000000000.dkr.ecr.us-east-1.amazonaws.com/app:v1", "localhost:4566/000000000000/us-east-1/app:v1"},
		{"111111111111.dkr.ecr.eu-west-1.amazonaws.com/a/b@sha256:0", "localhost:4566/111111111111/eu-west-1/a/b@sha256:0"},
		{"docker.io/library/nginx", ""},
		{"nginx", ""},
	} {
		got, ok := p.Local(c.image)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %s %v", c.image, got, ok)
		}
	}
	if got := p.URI("111111111111", "eu-west-1", "a"); p.Key("localhost:4566", strings.TrimPrefix(got, "localhost:4566/")) != "111111111111/eu-west-1/a" {
		t.Errorf("URI %s does not lead back", got)
	}
}
