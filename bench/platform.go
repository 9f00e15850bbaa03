package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/bench/pinned"
	"github.com/neargate/neargate/internal/machine/fabric"
)

// platform is one control plane under test, with a data directory and a port of its own.
type platform struct {
	*client
	dir      string
	instance string
	args     []string
	binary   string
	log      *os.File
	command  *exec.Cmd
}

// Bounds of waiting for processes.
const (
	readyLimit = 30 * time.Second
	endLimit   = 90 * time.Second
)

// platform starts a control plane on an empty data directory and tells how long that took.
func (r *run) platform(ctx context.Context, args ...string) (*platform, time.Duration, error) {
	r.served++
	dir := filepath.Join(r.dir, fmt.Sprintf("platform-%d", r.served))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, err
	}
	instance, err := fabric.Instance(filepath.Join(dir, "data"))
	if err != nil {
		return nil, 0, err
	}
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, 0, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	if r.verbose {
		log = os.Stderr
	}
	p := &platform{
		client: newClient("http://" + address), dir: filepath.Join(dir, "data"), instance: instance, binary: r.binary, log: log,
		args: append([]string{"serve", "--listen", address, "--data-dir", filepath.Join(dir, "data")}, args...),
	}
	took, err := p.start(ctx)
	if err != nil {
		return nil, 0, errors.Join(err, p.end(ctx))
	}
	return p, took, nil
}

// start executes the program and returns when it serves.
func (p *platform) start(ctx context.Context) (time.Duration, error) {
	p.command = exec.Command(p.binary, p.args...)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is passed on by end, once
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return 0, err
	}
	for time.Since(began) < readyLimit && ctx.Err() == nil {
		if p.own(ctx, http.MethodGet, "health", nil, nil) == nil {
			return time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("no answer from serve\n%s", p.said())
}

// said is the end of the platform's log.
func (p *platform) said() string {
	text := contentOf(p.log.Name())
	return text[max(0, len(text)-2000):]
}

// kill ends the control plane as a crash does.
func (p *platform) kill() error {
	err := p.command.Process.Kill()
	_ = p.command.Wait() // it says that it was killed
	return err
}

// end takes the platform down by interrupt and looks for anything it left on the machine.
func (p *platform) end(ctx context.Context) error {
	err := p.command.Process.Signal(os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- p.command.Wait() }()
	select {
	case e := <-done:
		err = errors.Join(err, e)
	case <-time.After(endLimit):
		err = errors.Join(err, errors.New("serve does not end"), p.kill())
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, p.said())
		out, e := exec.CommandContext(context.WithoutCancel(ctx), p.binary, "down", "--data-dir", p.dir).CombinedOutput()
		if e != nil {
			err = errors.Join(err, fmt.Errorf("down: %w: %s", e, out))
		}
	}
	p.http.CloseIdleConnections()
	if left := p.leftovers(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("left on the machine: %s", strings.Join(left, ", ")))
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(p.dir)))
}

// edge is the platform's edge process.
func (p *platform) edge() (process, error) {
	text, err := os.ReadFile(filepath.Join(p.dir, "edge", "pid"))
	if err != nil {
		return 0, err
	}
	number, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err := strconv.Atoi(number)
	return process(pid), err
}

// loadImage makes an archive known to every task under a name.
func (p *platform) loadImage(ctx context.Context, archive, name string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	return p.own(ctx, http.MethodPost, "images?name="+name, f, nil)
}
