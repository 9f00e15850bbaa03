package image

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestFromFilesIsReproducible(t *testing.T) {
	files := []File{{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777}, {Path: "/a/b", Mode: 0o640, UID: 7, GID: 8, Data: []byte("x")}}
	var first v1.Hash
	for i := range 2 {
		img, err := FromFiles(files, v1.Config{Cmd: []string{"/a/b"}})
		if err != nil {
			t.Fatal(err)
		}
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && d != first {
			t.Errorf("digest %s, then %s", first, d)
		}
		first = d
	}
}

func TestBuildGo(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example\n\ngo 1.24\n")
	write(t, dir, "main.go", "package main\n\nfunc main() { println(\"hello\") }\n")
	img, err := BuildGo(t.Context(), dir, "VERSION=v7")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "i.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Write(f, "demo/web:v7", img); err != nil {
		t.Fatal(err)
	}
	back, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	cf, err := back.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if cf.OS != "linux" || cf.Config.User != "nonroot" || !strings.Contains(strings.Join(cf.Config.Env, " "), "VERSION=v7") {
		t.Errorf("config %+v", cf)
	}
	got := map[string]*tar.Header{}
	r := mutate.Extract(back)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = h
		if h.Name == "app" {
			b, _ := io.ReadAll(tr)
			if bytes.Contains(b, []byte("ld-linux")) {
				t.Error("the program is dynamically linked")
			}
		}
	}
	if h := got["app"]; h == nil || h.Mode != 0o755 {
		t.Errorf("/app: %+v", h)
	}
	if h := got["tmp"]; h == nil {
		if h = got["tmp/"]; h == nil || h.Mode != 0o1777 {
			t.Errorf("/tmp: %+v", h)
		}
	}
}

func TestBuildGoFails(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"does not compile": {"package main\n\nfunc main() { x }\n", "undefined: x"},
		"not a main":       {"package lib\n", "not a main package"},
	} {
		dir := t.TempDir()
		write(t, dir, "go.mod", "module example\n\ngo 1.24\n")
		write(t, dir, "x.go", c.source)
		if _, err := BuildGo(t.Context(), dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
