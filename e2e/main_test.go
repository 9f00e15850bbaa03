package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/image"
)

var (
	rolls   = flag.Int("e2e.rolls", 3, "rolling deployments under load")
	crashes = flag.Int("e2e.crashes", 3, "kill -9 of serve at random moments of deployments under load")
	quiet   = flag.Bool("e2e.quiet", false, "the machine has nothing else to do: what is promised in seconds has to keep to them")
)

// seed is NEARGATE_SEED, or else always the same one: what chance finds is no fault of an unrelated change. 0 is another one each time.
func seed(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("NEARGATE_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatalf("NEARGATE_SEED: %v", err)
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("NEARGATE_SEED=%d", seed)
	return seed
}

// built is what TestMain made once for all tests.
var built struct {
	binary string // neargate
	app    string // archive of examples/web-service/app
	probe  string // archive of the engine's probe
	target string // archive of testdata/target
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests that wait for room would keep those that have it from running their parts; room alone decides how many run.
	if err := flag.Set("test.parallel", "64"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Geteuid() != 0 {
		return m.Run() // every test says why it is skipped
	}
	dir, err := os.MkdirTemp("", "neargate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes the program and the images that the tests run. NEARGATE_BINARY names a program that is built already.
func build(dir string) error {
	g, ctx := errgroup.WithContext(context.Background())
	built.binary = os.Getenv("NEARGATE_BINARY")
	if built.binary == "" {
		built.binary = filepath.Join(dir, "neargate")
		g.Go(func() error {
			cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", built.binary, "./cmd/neargate")
			cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("build: %w\n%s", err, out)
			}
			return nil
		})
	}
	built.app, built.probe, built.target = filepath.Join(dir, "app.tar"), filepath.Join(dir, "probe.tar"), filepath.Join(dir, "target.tar")
	g.Go(func() error { return archive(ctx, "../examples/web-service/app", "demo/web:latest", built.app) })
	g.Go(func() error {
		return archive(ctx, "../internal/task/enginetest/probe", "test/probe:latest", built.probe)
	})
	g.Go(func() error { return archive(ctx, "testdata/target", "test/target:latest", built.target) })
	return g.Wait()
}

func archive(ctx context.Context, source, name, path string) error {
	img, err := image.BuildGo(ctx, source)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(image.Write(f, name, img), f.Close())
}

// client returns the path of a program that a test drives the platform with.
func client(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, name+" is not installed")
	}
	return path
}

// missing skips a test whose client is not there, or fails it (see the package's comment).
func missing(t *testing.T, client, why string) {
	t.Helper()
	absent := strings.Fields(os.Getenv("NEARGATE_ABSENT_CLIENTS"))
	if os.Getenv("NEARGATE_REQUIRE_CLIENTS") == "1" && !slices.Contains(absent, client) {
		t.Fatal(why)
	}
	t.Skip(why)
}
