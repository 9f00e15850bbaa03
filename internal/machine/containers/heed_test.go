package containers

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

func TestNoticed(t *testing.T) {
	const none = "0000000000000000"
	status := func(name, pids, ignored, caught string) string {
		return fmt.Sprintf("Name:\t%s\nNSpid:\t%s\nSigBlk:\tffffffffffffffff\nSigIgn:\t%s\nSigCgt:\t%s\n", name, pids, ignored, caught)
	}
	for _, c := range []struct {
		name, status string
		want         bool
	}{
		{"not yet the container's program", status("runc:[2:INIT]", "71\t1", none, "fffffffc7fc1feff"), false},
		{"first process without a handler", status("app", "71\t1", none, none), false},
		{"first process with another handler", status("app", "71\t1", none, "0000000000000002"), false},
		{"first process with a handler", status("app", "71\t1", none, "0000000000004000"), true},
		{"first process that ignores it", status("app", "71\t1", "0000000000004000", none), true},
		{"not the first process", status("app", "71\t9", none, none), true},
		{"not in a namespace", status("app", "71", none, none), true},
	} {
		if got := noticed(c.status, syscall.SIGTERM); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if !takes(1, syscall.SIGKILL) || !takes(1<<30, syscall.SIGTERM) {
		t.Error("SIGKILL, or a process that is over, is waited for")
	}
}

// TestSettling: a process is waited for while it works, and not for long when it rests.
func TestSettling(t *testing.T) {
	began := time.Unix(1000, 0)
	const ms = time.Millisecond
	type look struct {
		at time.Duration
		pulse
	}
	for _, c := range []struct {
		name  string
		looks []look // the last one is over, and no other
	}{
		{"at rest", []look{{0, pulse{}}, {499 * ms, pulse{}}, {500 * ms, pulse{}}}},
		{"first looked at when it has long been at rest", []look{{700 * ms, pulse{cpu: 3}}}},
		{"still at work", []look{{0, pulse{busy: true}}, {900 * ms, pulse{busy: true}}, {1399 * ms, pulse{}}, {1400 * ms, pulse{}}}},
		{"at work in another thread", []look{{0, pulse{cpu: 1}}, {400 * ms, pulse{cpu: 2}}, {800 * ms, pulse{cpu: 3}}, {1200 * ms, pulse{cpu: 3}}, {1300 * ms, pulse{cpu: 3}}}},
		{"at work for ever", []look{{4999 * ms, pulse{busy: true}}, {5000 * ms, pulse{busy: true}}}},
	} {
		s := settling{began: began}
		for i, l := range c.looks {
			if got, want := s.over(began.Add(l.at), l.pulse), i == len(c.looks)-1; got != want {
				t.Errorf("%s: after %v: %v, want %v", c.name, l.at, got, want)
			}
		}
	}
	if got := readPulse("7 (a) b) D 1 7 7 0 -1 4194560 130 0 0 0 12 30 0 0 20 0 1 0 100 4096 9"); got != (pulse{busy: true, cpu: 42}) {
		t.Errorf("%+v", got)
	}
	if pulseOf(1<<30) != (pulse{}) {
		t.Error("a process that is over works")
	}
}

// TestSignalRightAfterStart: a program that handles a signal gets the one that is sent before it could have said so, also where the
// start itself took long.
func TestSignalRightAfterStart(t *testing.T) {
	e := testEngine(t)
	for i := range 5 {
		c := sh("trap 'exit 7' TERM; while :; do sleep 0.01; done")
		id := start(t, e, task.Sandbox{TaskID: fmt.Sprintf("heed%d", i)}, c)
		if i > 0 {
			began := e.find(id)
			began.mu.Lock()
			began.state.StartedAt = began.state.StartedAt.Add(-time.Minute)
			began.mu.Unlock()
		}
		if err := e.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if s := wait(t, e, id); s.ExitCode != 7 {
			t.Errorf("exit code %d, want 7", s.ExitCode)
		}
	}
}
