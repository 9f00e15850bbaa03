package pinned

import (
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

// Process is one that takes part.
type Process struct {
	Name    string
	Address string
	PIDs    func() []int // whose CPU time counts

	command *exec.Cmd
}

// Start runs a command pinned to cores and waits until it accepts connections.
func Start(name, cores, address string, env []string, command ...string) (*Process, error) {
	p := &Process{Name: name, Address: address}
	p.command = exec.Command("taskset", append([]string{"-c", cores}, command...)...)
	p.command.Env = append(os.Environ(), env...)
	p.command.Stderr = os.Stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.PIDs = func() []int { return []int{p.PID()} }
	for range 200 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return p, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	p.Stop()
	return nil, fmt.Errorf("does not listen on %s", address)
}

// PID is that of the command itself.
func (p *Process) PID() int { return p.command.Process.Pid }

// Stop asks the process to end, and makes it when it does not.
func (p *Process) Stop() {
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

// CPU is the time the processes have spent so far, user and system.
func (p *Process) CPU() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range p.PIDs() {
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

// FreeAddress finds a loopback port nobody listens on.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Self keeps this process, which drives the others, on the cores given: off the core of the proxy.
func Self(cores string) error {
	out, err := exec.Command("taskset", "--all-tasks", "--cpu-list", "--pid", cores, strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	return nil
}
