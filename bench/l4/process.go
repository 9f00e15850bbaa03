package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is one that takes part in a comparison.
type process struct {
	name    string
	address string
	command *exec.Cmd
}

// start runs a command pinned to cores and waits until it accepts connections.
func start(name, cores, address string, env []string, command ...string) (*process, error) {
	p := &process{name: name, address: address}
	p.command = exec.Command("taskset", append([]string{"-c", cores}, command...)...)
	p.command.Env = append(os.Environ(), env...)
	p.command.Stderr = os.Stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
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

func (p *process) stop() {
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

// cpu is the time the process has spent so far, user and system.
func (p *process) cpu() (time.Duration, error) {
	const perTick = 10 * time.Millisecond // USER_HZ is 100 on every Linux we run on
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 13 {
		return 0, errors.New("unexpected /proc stat")
	}
	var user, system int
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		return 0, err
	}
	return time.Duration(user+system) * perTick, nil
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
