package containers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/neargate/neargate/internal/task"
)

func TestExecStream(t *testing.T) {
	e := testEngine(t)
	c := sh(`exec busybox sleep 1000`)
	c.User = "ann"
	id := start(t, e, task.Sandbox{TaskID: "ex"}, c)
	script := func(text string) task.ExecSpec {
		return task.ExecSpec{Command: []string{"/bin/busybox", "sh", "-c", text}}
	}

	var out, errs bytes.Buffer
	code, err := e.ExecStream(t.Context(), id, script(`cat; echo $1 >&2; exit 3`), Streams{Stdin: strings.NewReader("typed\n"), Stdout: &out, Stderr: &errs})
	if err != nil || code != 3 || out.String() != "typed\n" || errs.String() != "\n" {
		t.Errorf("pipes: %d, %v, %q, %q", code, err, out.String(), errs.String())
	}

	for i := range 20 { // short input is over before the shim has looked for any
		out.Reset()
		text := strconv.Itoa(i)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		code, err := e.ExecStream(ctx, id, script(`exec busybox cat`), Streams{Stdin: strings.NewReader(text), Stdout: &out})
		cancel()
		if err != nil || code != 0 || out.String() != text {
			t.Fatalf("short input: %d, %v, %q, want %q", code, err, out.String(), text)
		}
	}

	x := script(`id -un; pwd; echo $MORE`)
	x.User, x.WorkingDir, x.Env = "root", "/tmp", []string{"MORE=x"}
	out.Reset()
	if code, err := e.ExecStream(t.Context(), id, x, Streams{Stdout: &out}); err != nil || code != 0 || out.String() != "root\n/tmp\nx\n" {
		t.Errorf("user, directory, environment: %d, %v, %q", code, err, out.String())
	}

	in, typed := io.Pipe()
	screen := &screen{capped{most: 1 << 20}}
	sizes := make(chan Size, 1)
	over := make(chan error, 1)
	go func() {
		code, err := e.ExecStream(t.Context(), id, task.ExecSpec{Command: []string{"/bin/busybox", "sh", "-i"}}, Streams{Stdin: in, Stdout: screen, Terminal: true, Resize: sizes})
		if code != 5 && err == nil {
			err = errors.New("exit status not passed on")
		}
		over <- err
	}()
	sizes <- Size{Width: 77, Height: 33}
	eventually(t, "a prompt", func() bool { return strings.Contains(screen.String(), "$ ") })
	io.WriteString(typed, "stty size; tty\n")
	eventually(t, "the terminal's size and name", func() bool {
		return strings.Contains(screen.String(), "33 77") && strings.Contains(screen.String(), "/dev/pts/")
	})
	io.WriteString(typed, "exit 5\n")
	if err := <-over; err != nil {
		t.Errorf("terminal: %v\n%s", err, screen.String())
	}
}

func TestExecIsGivenUp(t *testing.T) {
	e := testEngine(t)
	id := start(t, e, task.Sandbox{TaskID: "ex"}, sh(`exec busybox sleep 1000`))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := &hears{word: "first\n", do: cancel}
	begin := time.Now()
	_, err := e.ExecStream(ctx, id, task.ExecSpec{Command: []string{"/bin/busybox", "sh", "-c", "echo first; exec busybox sleep 1000"}}, Streams{Stdout: said})
	if !errors.Is(err, context.Canceled) || time.Since(begin) > time.Minute || said.all.String() != "first\n" {
		t.Errorf("%q, %v after %v", said.all.String(), err, time.Since(begin))
	}
	eventually(t, "the process is gone", func() bool {
		_, out, err := e.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/bin/busybox", "ps", "-o", "args"}})
		return err == nil && strings.Count(string(out), "sleep 1000") == 1
	})
	// What runs on in the background keeps the output open, but nobody waits for it.
	begin = time.Now()
	code, out, err := e.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/bin/busybox", "sh", "-c", "busybox sleep 1000 & echo started"}})
	if err != nil || code != 0 || string(out) != "started\n" || time.Since(begin) > time.Minute {
		t.Errorf("%d, %q, %v after %v", code, out, err, time.Since(begin))
	}
}

func TestOutputOfExecIsCapped(t *testing.T) {
	e := testEngine(t)
	id := start(t, e, task.Sandbox{TaskID: "ex"}, sh(`exec busybox sleep 1000`))
	code, out, err := e.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/bin/busybox", "seq", "1", "200000"}, MaxOutput: 10})
	if err != nil || code != 0 || string(out) != "1\n2\n3\n4\n5\n" {
		t.Errorf("%d, %q, %v", code, out, err)
	}
}

// stuck is a shim that takes everything and answers nothing.
type stuck struct{ taskapi.TTRPCTaskService }

func (stuck) Exec(context.Context, *taskapi.ExecProcessRequest) (*emptypb.Empty, error) {
	return nil, nil
}

func (stuck) Start(ctx context.Context, _ *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) Kill(ctx context.Context, _ *taskapi.KillRequest) (*emptypb.Empty, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) Delete(ctx context.Context, _ *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestExecOfAStuckShim: nobody waits for it for ever.
func TestExecOfAStuckShim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &execution{conn: &connection{TTRPCTaskService: stuck{}}}
		begin := time.Now()
		if err := p.start(t.Context(), nil); err == nil || time.Since(begin) != startLimit {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(2 * startLimit) // what it tries afterwards ends, too, or the bubble would not
	})
}

// hears does something once a word was written to it.
type hears struct {
	word string
	do   func()
	all  bytes.Buffer
}

func (h *hears) Write(b []byte) (int, error) {
	n, err := h.all.Write(b)
	if strings.Contains(h.all.String(), h.word) {
		h.do()
	}
	return n, err
}

// screen is what a terminal has shown so far.
type screen struct{ capped }

func (s *screen) String() string { return string(s.bytes()) }
