package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// proxy is a process under test.
type proxy struct {
	name    string
	address string
	command *exec.Cmd
	pids    func() []int // whose CPU time counts
	cookie  string       // what clients send, of sticky setups
	tls     bool
	// change keeps changing the configuration until ctx is done; nil: it stays as it is.
	change func(ctx context.Context) error
}

// start runs a command pinned to cores and waits until it accepts connections.
func start(name, cores, address string, env []string, command ...string) (*proxy, error) {
	p := &proxy{name: name, address: address}
	p.command = exec.Command("taskset", append([]string{"-c", cores}, command...)...)
	p.command.Env = append(os.Environ(), env...)
	p.command.Stderr = os.Stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.pids = func() []int { return []int{p.command.Process.Pid} }
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return p, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("does not listen on %s", address)
}

// url is that of a path at the proxy.
func (p *proxy) url(path string) string {
	if p.tls {
		return "https://" + p.address + path
	}
	return "http://" + p.address + path
}

func (p *proxy) stop() {
	p.command.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.command.Wait()
	}()
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		p.command.Process.Kill()
		<-done
	}
}

// keepChanging changes the configuration until stop is called.
func (p *proxy) keepChanging() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.change(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "l7: changes:", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// cpu is the time the processes have spent so far, user and system.
func (p *proxy) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range p.pids() {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil || len(threads) == 0 {
			return 0, errors.Join(err, fmt.Errorf("process %d has no threads", pid))
		}
		for _, t := range threads {
			content, err := os.ReadFile(t)
			if err != nil {
				return 0, err
			}
			first, _, _ := strings.Cut(string(content), " ")
			n, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", t, err)
			}
			sum += time.Duration(n)
		}
	}
	return sum, nil
}

// freeAddress finds a loopback port nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
