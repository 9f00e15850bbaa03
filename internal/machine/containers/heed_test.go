package containers

import (
	"fmt"
	"syscall"
	"testing"

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

// TestSignalRightAfterStart: a program that handles a signal gets the one that is sent before it could have said so.
func TestSignalRightAfterStart(t *testing.T) {
	e := testEngine(t)
	for i := range 5 {
		c := sh("trap 'exit 7' TERM; while :; do sleep 0.01; done")
		id := start(t, e, task.Sandbox{TaskID: fmt.Sprintf("heed%d", i)}, c)
		if err := e.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if s := wait(t, e, id); s.ExitCode != 7 {
			t.Errorf("exit code %d, want 7", s.ExitCode)
		}
	}
}
