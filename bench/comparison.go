package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// comparison builds and runs one of the programs below this one, bench/l4 or bench/l7, which pin processes to cores and are of their own for
// that. What it has found goes into report.
func (r *run) comparison(ctx context.Context, name string, rounds int, each time.Duration, report any) error {
	binary, result := filepath.Join(r.dir, name), filepath.Join(r.dir, name+".json")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./bench/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build bench/%s: %w: %s", name, err, out)
	}
	command := exec.CommandContext(ctx, binary, "-rounds", strconv.Itoa(rounds), "-duration", each.String(), "-json", result)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("bench/%s: %w: %s", name, err, out)
	}
	content, err := os.ReadFile(result)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, report)
}
