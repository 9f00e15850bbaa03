package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// roots are where distributions keep the certificates of public authorities.
var roots = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

// BuildGo compiles the main package in dir into a static program and makes an image that runs it as an unprivileged user: the
// program at /app, the machine's certificate authorities, /tmp. env is added to the image's environment.
func BuildGo(ctx context.Context, dir string, env ...string) (v1.Image, error) {
	tmp, err := os.MkdirTemp("", "neargate-build-")
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "app")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	var messages bytes.Buffer
	cmd.Stderr = &messages
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("image: go build in %s: %w: %s", dir, err, strings.TrimSpace(messages.String()))
	}
	program, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	if !bytes.HasPrefix(program, []byte("\x7fELF")) { // building a library leaves an archive
		return nil, fmt.Errorf("image: %s is not a main package", dir)
	}
	files := []File{
		{Path: "/app", Mode: 0o755, Data: program},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/etc", Mode: fs.ModeDir | 0o755},
		{Path: "/etc/passwd", Mode: 0o644, Data: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{Path: "/etc/group", Mode: 0o644, Data: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{Path: "/home/nonroot", Mode: fs.ModeDir | 0o700, UID: 65532, GID: 65532},
	}
	certs, err := authorities()
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	if certs != nil {
		files = append(files, File{Path: "/etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Data: certs})
	}
	return FromFiles(files, v1.Config{
		Entrypoint: []string{"/app"},
		Env:        append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...),
		User:       "nonroot",
		WorkingDir: "/home/nonroot",
	})
}

// authorities returns the machine's certificate authorities, nil if it has none.
func authorities() ([]byte, error) {
	for _, path := range roots {
		b, err := os.ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return nil, nil
}
