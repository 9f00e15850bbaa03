package containers

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// How long after its start a process may take to set its signal handlers, and how often it is looked at.
const (
	heedLimit = 500 * time.Millisecond
	heedEvery = 2 * time.Millisecond
)

// heeded waits until a process that has just been started takes the signal, as long as it may be on the way to that. The kernel
// drops signals for which the first process of a namespace has no handler (pid_namespaces(7)): a task that is stopped as soon as
// it runs, which takes milliseconds here and seconds on AWS, would otherwise go on until its stopTimeout is over.
func (c *container) heeded(ctx context.Context, sig syscall.Signal) {
	for {
		s := c.now()
		left := heedLimit - time.Since(s.StartedAt)
		if s.Status != task.StatusRunning || left <= 0 || takes(s.Pid, sig) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.over:
			return
		case <-time.After(min(left, heedEvery)):
		}
	}
}

// takes tells whether the process would notice the signal, or has said that it does not want to.
func takes(pid int, sig syscall.Signal) bool {
	if sig == syscall.SIGKILL || sig == syscall.SIGSTOP {
		return true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true // it is over
	}
	return noticed(string(text), sig)
}

// noticed reads /proc/PID/status (proc(5)).
func noticed(status string, sig syscall.Signal) bool {
	first := false
	var handled uint64
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			if strings.HasPrefix(value, "runc:[") {
				return false // the runtime, whose handlers end with it
			}
		case "NSpid":
			fields := strings.Fields(value)
			first = len(fields) > 1 && fields[len(fields)-1] == "1"
		case "SigIgn", "SigCgt":
			mask, err := strconv.ParseUint(value, 16, 64)
			if err != nil {
				return true
			}
			handled |= mask
		}
	}
	return !first || handled&(1<<(sig-1)) != 0
}
