package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// containerd is a containerd of our own, with its socket, root and state in one directory.
type containerd struct {
	dir, ctr, image string
	command         *exec.Cmd
}

const containerdConfig = `version = 2
root = %[1]q
state = %[2]q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = %[3]q
`

// startContainerd starts one and imports the image.
func startContainerd(ctx context.Context, r *run, archive string) (*containerd, error) {
	daemon, err := exec.LookPath("containerd")
	if err != nil {
		return nil, errors.New("containerd is not installed")
	}
	ctr, err := exec.LookPath("ctr")
	if err != nil {
		return nil, errors.New("ctr is not installed")
	}
	dir, err := os.MkdirTemp("/run", "ngctr") // sockets want short paths
	if err != nil {
		return nil, err
	}
	c := &containerd{dir: dir, ctr: ctr}
	root := filepath.Join(r.dir, "containerd") // on the disk that the platform's images are on
	config := fmt.Sprintf(containerdConfig, root, filepath.Join(dir, "state"), c.socket())
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	c.command = exec.Command(daemon, "-c", filepath.Join(dir, "config.toml"), "-l", "error")
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	for began := time.Now(); c.do(ctx, "version") != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > readyLimit {
			c.end()
			return nil, errors.New("containerd does not answer")
		}
	}
	if err := c.do(ctx, "images", "import", archive); err != nil {
		c.end()
		return nil, err
	}
	out, err := exec.CommandContext(ctx, ctr, "-a", c.socket(), "images", "ls", "-q").Output()
	if err != nil {
		c.end()
		return nil, err
	}
	c.image = strings.TrimSpace(string(out))
	return c, nil
}

func (c *containerd) socket() string { return filepath.Join(c.dir, "s") }

func (c *containerd) do(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, c.ctr, append([]string{"-a", c.socket()}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// run runs a container with the limits of a task of 0.25 vCPU and 512 MiB, and gets rid of it.
func (c *containerd) run(ctx context.Context, id string) (time.Duration, error) {
	began := time.Now()
	if err := c.do(ctx, "run", "-d", "--cpus", "0.25", "--memory-limit", "536870912", c.image, id); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, errors.Join(c.do(ctx, "tasks", "delete", "-f", id), c.do(ctx, "containers", "delete", id))
}

func (c *containerd) end() {
	_ = c.command.Process.Signal(syscall.SIGTERM) // if it is gone, the better
	_ = c.command.Wait()
	os.RemoveAll(c.dir)
}
