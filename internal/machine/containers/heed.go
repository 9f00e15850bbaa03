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

// How long a process may take to set its signal handlers, and how often it is looked at.
const (
	heedRest  = 500 * time.Millisecond // one that does nothing for so long has set those it wants
	heedLimit = 5 * time.Second        // after its start, for one that works on: a busy machine lets it do little
	heedEvery = 2 * time.Millisecond
)

// heeded waits until a process that has just been started takes the signal, as long as it may be on the way to that. The kernel
// drops signals for which the first process of a namespace has no handler (pid_namespaces(7)): a task that is stopped as soon as
// it runs, which takes milliseconds here and seconds on AWS, would otherwise go on until its stopTimeout is over.
func (c *container) heeded(ctx context.Context, sig syscall.Signal) {
	settling := settling{began: c.launchedAt()}
	for {
		s := c.now()
		if s.Status != task.StatusRunning || takes(s.Pid, sig) || settling.over(time.Now(), pulseOf(s.Pid)) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-c.over:
			return
		case <-time.After(heedEvery):
		}
	}
}

// launchedAt is when the container's process had been started. Its StartedAt is when the runtime was asked to, which takes long on a
// busy machine.
func (c *container) launchedAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.launched.IsZero() { // by an earlier engine
		return c.state.StartedAt
	}
	return c.launched
}

// settling follows what a process does after its start.
type settling struct {
	began, stirred time.Time
	last           *pulse // nil: not looked at yet
}

// over tells whether the process would have set its handlers by now.
func (s *settling) over(now time.Time, p pulse) bool {
	if p.busy || s.last != nil && p.cpu != s.last.cpu {
		s.stirred = now
	}
	s.last = &p
	rested := s.began
	if s.stirred.After(rested) {
		rested = s.stirred
	}
	return now.Sub(s.began) >= heedLimit || now.Sub(rested) >= heedRest
}

// pulse is what a process was seen to do.
type pulse struct {
	busy bool   // its first thread runs, wants to, or waits for the disk
	cpu  uint64 // processor time of all its threads, in ticks
}

// pulseOf reads /proc/PID/stat (proc(5)).
func pulseOf(pid int) pulse {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return pulse{}
	}
	return readPulse(string(b))
}

func readPulse(stat string) pulse {
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // behind the name, which may hold anything
	if len(f) < 13 {
		return pulse{}
	}
	user, _ := strconv.ParseUint(f[11], 10, 64)
	system, _ := strconv.ParseUint(f[12], 10, 64)
	return pulse{busy: f[0] == "R" || f[0] == "D", cpu: user + system}
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
