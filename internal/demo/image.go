package demo

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/neargate/neargate/internal/image"
)

// assets holds the demo application, compiled and packed by the Makefile.
//
//go:embed all:assets
var assets embed.FS

// source is where the application is in a checkout.
const source = "examples/web-service/app"

// appImage is the demo application's image: from the program packed into this
// binary, else compiled from a checkout.
func appImage(ctx context.Context) (v1.Image, error) {
	packed, err := assets.ReadFile("assets/app.gz")
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(source, "main.go")); err != nil {
			return nil, errors.New("this neargate was built without the demo application: build it with make, or run it in a checkout")
		}
		return image.BuildGo(ctx, source)
	}
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	program, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return image.FromFiles([]image.File{
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/app", Mode: 0o755, Data: program},
	}, v1.Config{Entrypoint: []string{"/app"}, User: "65532:65532"})
}
