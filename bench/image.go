package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

// demoImage is an archive of the demo application, which is built once per run.
func (r *run) demoImage(ctx context.Context) (string, error) {
	if r.image != "" {
		return r.image, nil
	}
	path := filepath.Join(r.dir, "demo-image.tar")
	out, err := exec.CommandContext(ctx, r.binary, "image", "build", "--name", imageName, "--output", path, "examples/web-service/app").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the demo image: %w: %s", err, out)
	}
	r.image = path
	return path, nil
}

// joined is errors.Join that keeps a lone error as it is.
func joined(err, other error) error {
	if err == nil || other == nil {
		return errors.Join(err, other)
	}
	return fmt.Errorf("%w; and %w", err, other)
}
