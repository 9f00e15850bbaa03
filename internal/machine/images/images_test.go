package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/neargate/neargate/internal/image"
)

func store(t *testing.T, locate Locate) *Store {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: layers are owned by whom the image says")
	}
	s, err := Open(t.Context(), Config{Dir: t.TempDir(), Registry: locate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// made is an image of one file per text, in a layer of its own.
func made(t *testing.T, texts ...string) v1.Image {
	t.Helper()
	img := empty.Image
	for i, text := range texts {
		one, err := image.FromFiles([]image.File{
			{Path: "/d", Mode: fs.ModeDir | 0o755}, {Path: fmt.Sprintf("/d/f%d", i), Mode: 0o644, Data: []byte(text)},
		}, v1.Config{Cmd: []string{text}, User: "someone"})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			img = one
			continue
		}
		layers, err := one.Layers()
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layers...); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// counting is a registry that asks for a password and counts what it is asked for.
type counting struct {
	next         http.Handler
	user, secret string
	blobs, all   atomic.Int64
	failures     atomic.Int64 // of the next requests, answered with 500
	hosts        sync.Map
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.all.Add(1)
	c.hosts.Store(r.Host, true)
	if u, p, _ := r.BasicAuth(); u != c.user || p != c.secret {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if strings.Contains(r.URL.Path, "/blobs/") && r.Method == http.MethodGet {
		c.blobs.Add(1)
	}
	if c.failures.Add(-1) >= 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	c.next.ServeHTTP(w, r)
}

func serveRegistry(t *testing.T) (*counting, string) {
	t.Helper()
	c := &counting{next: registry.New(registry.Logger(log.New(io.Discard, "", 0))), user: "AWS", secret: "pass"}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return c, strings.TrimPrefix(s.URL, "http://")
}

func push(t *testing.T, ref string, img v1.Image) {
	t.Helper()
	r, err := name.ParseReference(ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, img, remote.WithAuth(&authn.Basic{Username: "AWS", Password: "pass"})); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r *Rootfs, path string) string {
	t.Helper()
	for _, dir := range r.Lower {
		if b, err := os.ReadFile(filepath.Join(dir, path)); err == nil {
			return string(b)
		}
	}
	return ""
}

func TestPull(t *testing.T) {
	reg, host := serveRegistry(t)
	s := store(t, nil)
	ref := host + "/team/web:1"
	push(t, ref, made(t, "one", "two"))
	p := Pull{Ref: ref, Username: "AWS", Password: "pass"}
	r, err := s.Pull(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Lower) != 2 || read(t, r, "d/f0") != "one" || read(t, r, "d/f1") != "two" || r.Config.User != "someone" {
		t.Errorf("%+v", r)
	}
	blobs := reg.blobs.Load()
	if again, err := s.Pull(t.Context(), p); err != nil || again.Digest != r.Digest || reg.blobs.Load() != blobs {
		t.Errorf("again: %+v, %v, %d blobs more", again, err, reg.blobs.Load()-blobs)
	}
	push(t, ref, made(t, "one", "three"))
	moved, err := s.Pull(t.Context(), p)
	if err != nil || moved.Digest == r.Digest || read(t, moved, "d/f1") != "three" || moved.Lower[1] != r.Lower[1] {
		t.Errorf("after the tag has moved: %+v, %v", moved, err)
	}
	byDigest, err := s.Pull(t.Context(), Pull{Ref: host + "/team/web:1@" + r.Digest, Username: "AWS", Password: "pass"})
	if err != nil || byDigest.Digest != r.Digest {
		t.Errorf("by digest: %+v, %v", byDigest, err)
	}
}

func TestPullIsOne(t *testing.T) {
	reg, host := serveRegistry(t)
	s := store(t, nil)
	push(t, host+"/web:1", made(t, "one"))
	var g sync.WaitGroup
	for range 10 {
		g.Go(func() {
			if _, err := s.Pull(t.Context(), Pull{Ref: host + "/web:1", Username: "AWS", Password: "pass"}); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	if n := reg.blobs.Load(); n != 2 { // config and layer
		t.Errorf("%d blobs fetched", n)
	}
}

func TestPullFails(t *testing.T) {
	reg, host := serveRegistry(t)
	s := store(t, nil)
	push(t, host+"/web:1", made(t, "one"))
	other, err := mutate.ConfigFile(made(t, "arm"), &v1.ConfigFile{OS: "linux", Architecture: "s390x"})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}})
	tag, _ := name.NewTag(host+"/foreign:1", name.Insecure)
	if err := remote.WriteIndex(tag, index, remote.WithAuth(&authn.Basic{Username: "AWS", Password: "pass"})); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what     string
		pull     Pull
		failures int64
		want     string
		retry    bool
	}{
		{"no such tag", Pull{Ref: host + "/web:2", Username: "AWS", Password: "pass"}, 0, fmt.Sprintf("pull image manifest has been retried 1 time(s): failed to resolve ref %s/web:2: %[1]s/web:2: not found", host), false},
		{"no password", Pull{Ref: host + "/web:1"}, 0, "no basic auth credentials", false},
		{"wrong password", Pull{Ref: host + "/web:1", Username: "AWS", Password: "x"}, 0, "failed to resolve ref " + host + "/web:1: ", false},
		{"no registry", Pull{Ref: "127.0.0.1:1/web:1"}, 0, "dial tcp 127.0.0.1:1: connect: connection refused", true},
		{"registry in trouble", Pull{Ref: host + "/web:1", Username: "AWS", Password: "pass"}, 1000, "500 Internal Server Error", true},
		{"not a name", Pull{Ref: "UPPER case"}, 0, "invalid reference format", false},
		{"another platform", Pull{Ref: host + "/foreign:1", Username: "AWS", Password: "pass"}, 0, "image Manifest does not contain descriptor matching platform 'linux/", false},
	} {
		reg.failures.Store(c.failures)
		_, err := s.Pull(t.Context(), c.pull)
		f, ok := errors.AsType[*Failure](err)
		if !ok || !strings.Contains(f.Reason, c.want) || f.Retry != c.retry {
			t.Errorf("%s: %v\nwant %s (retry %v)", c.what, err, c.want, c.retry)
		}
	}
}

// A registry's name may lead to another place: the platform's own registry answers for names of AWS.
func TestLocate(t *testing.T) {
	reg, host := serveRegistry(t)
	const ecr = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
	s := store(t, func(h string) *url.URL {
		if h == ecr {
			return &url.URL{Scheme: "http", Host: host}
		}
		return nil
	})
	push(t, host+"/web:1", made(t, "one"))
	if _, err := s.Pull(t.Context(), Pull{Ref: ecr + "/web:1", Username: "AWS", Password: "pass"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := reg.hosts.Load(ecr); !ok {
		t.Error("the registry does not see the name it was called by")
	}
}

func TestPullThroughANamespace(t *testing.T) {
	_, host := serveRegistry(t)
	s := store(t, nil)
	s.proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	push(t, host+"/web:1", made(t, "one"))
	ns := fmt.Sprintf("ng-images-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
		t.Skipf("no network namespace: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
	there := "/run/netns/" + ns
	const want = `pull image manifest has been retried 1 time(s): failed to resolve ref 192.0.2.1/web:1: failed to do request: ` +
		`Head "https://192.0.2.1/v2/web/manifests/1": dial tcp 192.0.2.1:443: i/o timeout`
	_, err := s.Pull(t.Context(), Pull{Ref: "192.0.2.1/web:1", NetNS: there})
	if f, ok := errors.AsType[*Failure](err); !ok || f.Reason != want || !f.Retry {
		t.Errorf("from a namespace without a way out: %v", err)
	}
	if _, err := s.Pull(t.Context(), Pull{Ref: host + "/web:1", Username: "AWS", Password: "pass", NetNS: there}); err != nil {
		t.Errorf("a registry of this machine: %v", err)
	}
	s.proxy = func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil }
	_, err = s.Pull(t.Context(), Pull{Ref: "192.0.2.1/web:2", NetNS: there})
	if err == nil || !strings.Contains(err.Error(), "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused") {
		t.Errorf("behind a proxy: %v", err)
	}
	if conn, err := dialFrom("/proc/self/ns/net")(t.Context(), "tcp", host); err != nil {
		t.Errorf("from this namespace: %v", err)
	} else {
		conn.Close()
	}
}

// TestRegistryThatDoesNotAnswer: a dialer's timeout is no caller's giving up, after which others would try again at once.
func TestRegistryThatDoesNotAnswer(t *testing.T) {
	_, timeout := (&net.Dialer{Deadline: time.Now().Add(-time.Second)}).Dial("tcp", "127.0.0.1:1")
	if !errors.Is(timeout, context.DeadlineExceeded) {
		t.Fatal(timeout)
	}
	if err := fmt.Errorf("do request: %w", timeout); isCancelled(err) || !passes(err) {
		t.Errorf("%v: cancelled %v, passes %v", err, isCancelled(err), passes(err))
	}
	if !isCancelled(fmt.Errorf("pull: %w", context.DeadlineExceeded)) || !isCancelled(context.Canceled) {
		t.Error("a caller who gives up is not known")
	}
}

func TestImport(t *testing.T) {
	s := store(t, nil)
	var docker bytes.Buffer
	if err := image.Write(&docker, "demo/web:latest", made(t, "docker")); err != nil {
		t.Fatal(err)
	}
	oci := ociTar(t, made(t, "oci"))
	for _, c := range []struct {
		what, as string
		tar      []byte
		want     string
		err      string
	}{
		{"a docker archive", "", docker.Bytes(), "docker.io/demo/web:latest", ""},
		{"under another name", "other", docker.Bytes(), "docker.io/library/other:latest", ""},
		{"a nameless layout", "", oci, "", "say which name"},
		{"a layout with a name", "layout:2", oci, "docker.io/library/layout:2", ""},
		{"no archive", "x", []byte("nonsense"), "", "image archive"},
		{"a bad name", "A B", docker.Bytes(), "", "invalid reference format"},
	} {
		names, err := s.Import(t.Context(), bytes.NewReader(c.tar), c.as)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %q, %v", c.what, names, err)
			}
			continue
		}
		if err != nil || len(names) != 1 || names[0] != c.want {
			t.Errorf("%s: %q, %v", c.what, names, err)
		}
	}
	r, err := s.Pull(t.Context(), Pull{Ref: "demo/web"}) // without any registry
	if err != nil || read(t, r, "d/f0") != "docker" {
		t.Errorf("pull of a loaded image: %+v, %v", r, err)
	}
	if err := s.Tag(t.Context(), "demo/web", "more:1"); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Rootfs(t.Context(), "more:1"); err != nil || again.Digest != r.Digest {
		t.Errorf("tagged: %+v, %v", again, err)
	}
	if err := s.Tag(t.Context(), "absent", "x"); !errors.Is(err, ErrUnknown) {
		t.Errorf("tag of an absent image: %v", err)
	}
	if _, err := s.Rootfs(t.Context(), "absent"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an absent image: %v", err)
	}
}

func ociTar(t *testing.T, img v1.Image) []byte {
	t.Helper()
	dir := t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tar", "-C", dir, "-cf", "-", ".").Output()
	if err != nil {
		t.Skip(err)
	}
	return out
}

func TestCollect(t *testing.T) {
	s := store(t, nil)
	load := func(name, text string) *Rootfs {
		t.Helper()
		var b bytes.Buffer
		if err := image.Write(&b, name, made(t, "shared by all", text)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), &b, ""); err != nil {
			t.Fatal(err)
		}
		r, err := s.Rootfs(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	kept, stoodOn, gone := load("kept:1", "kept"), load("used:1", "used"), load("gone:1", "gone")
	for _, n := range []string{"used:1", "gone:1"} {
		if err := s.Remove(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Collect(t.Context(), map[string]bool{stoodOn.Lower[0]: true}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    *Rootfs
		want string
	}{{kept, "kept"}, {stoodOn, "used"}, {gone, ""}} {
		if got := read(t, c.r, "d/f1"); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if err := s.Collect(t.Context(), nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if read(t, stoodOn, "d/f1") != "" || read(t, kept, "d/f1") != "kept" {
		t.Error("the second collection took the wrong one")
	}
	if again := load("gone:1", "gone"); read(t, again, "d/f1") != "gone" {
		t.Error("a collected image cannot be loaded again")
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

// Pulled images go when nobody has asked for them for long; loaded ones stay, because nobody could get them back.
func TestCollectForgets(t *testing.T) {
	_, host := serveRegistry(t)
	s := store(t, nil)
	var b bytes.Buffer
	if err := image.Write(&b, "loaded:1", made(t, "loaded")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), &b, ""); err != nil {
		t.Fatal(err)
	}
	pulled := map[string]*Rootfs{}
	for _, n := range []string{"idle", "busy"} {
		push(t, host+"/"+n+":1", made(t, n))
		r, err := s.Pull(t.Context(), Pull{Ref: host + "/" + n + ":1", Username: "AWS", Password: "pass"})
		if err != nil {
			t.Fatal(err)
		}
		pulled[n] = r
	}
	for _, c := range []struct {
		since time.Time
		left  int
	}{{time.Now().Add(-time.Hour), 3}, {time.Now().Add(time.Hour), 2}} {
		if err := s.Collect(t.Context(), map[string]bool{pulled["busy"].Lower[0]: true}, c.since); err != nil {
			t.Fatal(err)
		}
		if all, err := s.List(t.Context()); err != nil || len(all) != c.left {
			t.Errorf("%d left, want %d: %+v, %v", len(all), c.left, all, err)
		}
	}
	if read(t, pulled["idle"], "d/f0") != "" || read(t, pulled["busy"], "d/f0") != "busy" {
		t.Error("the wrong layers are gone")
	}
}

func TestReopen(t *testing.T) {
	s := store(t, nil)
	var b bytes.Buffer
	if err := image.Write(&b, "demo/web:1", made(t, "one", "two")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), &b, ""); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Rootfs(t.Context(), "demo/web:1")
	dir := filepath.Dir(s.bolt.Path())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	after, err := again.Rootfs(t.Context(), "demo/web:1")
	if err != nil || fmt.Sprint(after.Lower) != fmt.Sprint(before.Lower) {
		t.Errorf("%+v, %v, before %+v", after, err, before)
	}
}

func TestNormalize(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("a", 64)
	for ref, want := range map[string]string{
		"nginx":                      "docker.io/library/nginx:latest",
		"demo/web:1":                 "docker.io/demo/web:1",
		"localhost:5000/a/b":         "localhost:5000/a/b:latest",
		"public.ecr.aws/x/y:2":       "public.ecr.aws/x/y:2",
		"host.example/a:1" + digest:  "host.example/a" + digest,
		"Nginx":                      "",
		"a b":                        "",
		"":                           "",
		"https://host.example/a:1":   "",
		"host.example/a@sha256:abcd": "",
	} {
		if got, err := Normalize(ref); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", ref, got, err)
		}
	}
}
