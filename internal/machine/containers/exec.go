package containers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/neargate/neargate/internal/task"
)

// Streams are the ends of an interactive process.
type Streams struct {
	Stdin    io.Reader // nil: none
	Stdout   io.Writer
	Stderr   io.Writer // unused with a terminal
	Terminal bool
	Resize   <-chan Size // of the terminal; nil: it keeps its size
}

// Size is a terminal's, in characters.
type Size struct{ Width, Height int }

// Exec implements task.Engine.
func (e *Engine) Exec(ctx context.Context, id string, x task.ExecSpec) (int, []byte, error) {
	most := x.MaxOutput
	if most == 0 {
		most = 4096
	}
	out := &capped{most: most}
	code, err := e.ExecStream(ctx, id, x, Streams{Stdout: out, Stderr: out})
	return code, out.bytes(), err
}

// ExecStream is Exec with the process's input and output connected while it runs.
func (e *Engine) ExecStream(ctx context.Context, id string, x task.ExecSpec, io Streams) (int, error) {
	c := e.find(id)
	if c == nil || c.now().Status != task.StatusRunning {
		return 0, fmt.Errorf("container %s: %w", id, task.ErrNotRunning)
	}
	conn, err := c.box.line()
	if err != nil {
		return 0, err
	}
	proc, err := c.process(x, io.Terminal)
	if err != nil {
		return 0, fmt.Errorf("container %s: exec: %w", id, err)
	}
	p := &execution{conn: conn, container: id, id: "x" + rand.Text()[:12], scope: e.scope}
	if err := p.run(ctx, e.cfg.RunDir, proc, io); err != nil {
		if c.now().Status != task.StatusRunning {
			err = errors.Join(task.ErrNotRunning, err)
		}
		return 0, fmt.Errorf("container %s: exec: %w", id, err)
	}
	return p.code, nil
}

// process is the container's own process with another command.
func (c *container) process(x task.ExecSpec, terminal bool) (*specs.Process, error) {
	if len(x.Command) == 0 {
		return nil, errors.New("no command specified")
	}
	var oci specs.Spec
	if err := readRecord(filepath.Join(c.bundle, "config.json"), &oci); err != nil {
		return nil, err
	}
	p := oci.Process
	p.Args, p.Terminal = x.Command, terminal
	p.Env = mergeEnv(p.Env, x.Env)
	if terminal {
		p.Env = mergeEnv([]string{"TERM=xterm"}, p.Env)
	}
	if x.WorkingDir != "" {
		p.Cwd = filepath.Join("/", x.WorkingDir)
	}
	if x.User != "" {
		u, err := resolveUser(filepath.Join(c.bundle, "rootfs"), x.User, "")
		if err != nil {
			return nil, err
		}
		p.User = u
	}
	return p, nil
}

// execution is one run of a further process.
type execution struct {
	conn      *connection
	container string
	id        string
	scope     func(context.Context) context.Context
	code      int
}

func (p *execution) run(ctx context.Context, runDir string, proc *specs.Process, s Streams) (err error) {
	body, err := json.Marshal(proc)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(runDir, p.id)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	req := &taskapi.ExecProcessRequest{ID: p.container, ExecID: p.id, Terminal: s.Terminal, Spec: &anypb.Any{Value: body}}
	var pipes pipes
	defer pipes.close()
	req.Stdout = pipes.out(filepath.Join(dir, "stdout"), s.Stdout)
	if !s.Terminal {
		req.Stderr = pipes.out(filepath.Join(dir, "stderr"), s.Stderr)
	}
	if s.Stdin != nil {
		req.Stdin = pipes.in(filepath.Join(dir, "stdin"))
	}
	if err := errors.Join(pipes.errs...); err != nil {
		return err
	}
	lasting := p.scope(context.WithoutCancel(ctx))
	if err := p.start(lasting, req); err != nil {
		return err
	}
	// In the background: the shim waits for those who still hold the output open.
	defer func() { go p.conn.Delete(lasting, &taskapi.DeleteRequest{ID: p.container, ExecID: p.id}) }()
	pipes.started()
	stop := p.serve(lasting, &pipes, s)
	defer stop()
	return p.wait(ctx, lasting, &pipes)
}

// start makes and starts the process. It is not given up when the caller is, because a half-made process would be left in the shim,
// but when the shim does not answer: callers are few.
func (p *execution) start(lasting context.Context, req *taskapi.ExecProcessRequest) error {
	ctx, cancel := context.WithTimeout(lasting, startLimit)
	defer cancel()
	if _, err := p.conn.Exec(ctx, req); err != nil {
		return errgrpc.ToNative(err)
	}
	_, err := p.conn.Start(ctx, &taskapi.StartRequest{ID: p.container, ExecID: p.id})
	if err == nil {
		return nil
	}
	go func() { // also if it is started later than that
		ctx, cancel := context.WithTimeout(lasting, startLimit)
		defer cancel()
		_, _ = p.conn.Kill(ctx, &taskapi.KillRequest{ID: p.container, ExecID: p.id, Signal: uint32(syscall.SIGKILL)})
		_, _ = p.conn.Delete(ctx, &taskapi.DeleteRequest{ID: p.container, ExecID: p.id})
	}()
	return errgrpc.ToNative(err)
}

// wait waits for the end, or kills the process when ctx ends first.
func (p *execution) wait(ctx, lasting context.Context, pipes *pipes) error {
	over := make(chan error, 1)
	go func() {
		resp, err := p.conn.Wait(lasting, &taskapi.WaitRequest{ID: p.container, ExecID: p.id})
		p.code = int(resp.GetExitStatus())
		over <- err
	}()
	select {
	case err := <-over:
		// What it has left in the background may hold its output open.
		pipes.drain(500 * time.Millisecond)
		return errgrpc.ToNative(err)
	case <-ctx.Done():
		_, _ = p.conn.Kill(lasting, &taskapi.KillRequest{ID: p.container, ExecID: p.id, Signal: uint32(syscall.SIGKILL)})
		select {
		case <-over:
		case <-time.After(5 * time.Second):
		}
		pipes.drain(100 * time.Millisecond)
		return ctx.Err()
	}
}

// serve passes input and sizes on until stop.
func (p *execution) serve(ctx context.Context, pipes *pipes, s Streams) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	if s.Stdin != nil {
		go p.feed(ctx, pipes.stdin, s.Stdin)
	}
	if s.Resize != nil {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case size, ok := <-s.Resize:
					if !ok {
						return
					}
					_, _ = p.conn.ResizePty(ctx, &taskapi.ResizePtyRequest{ID: p.container, ExecID: p.id, Width: uint32(size.Width), Height: uint32(size.Height)})
				}
			}
		}()
	}
	return cancel
}

// feed passes input on to its end, or until ctx is done and the next input comes.
func (p *execution) feed(ctx context.Context, pipe string, from io.Reader) {
	to, err := openForWriting(ctx, pipe)
	if err != nil {
		return // the process is over
	}
	defer context.AfterFunc(ctx, func() { to.Close() })()
	_, _ = io.Copy(to, from)
	to.Close()
	_, _ = p.conn.CloseIO(ctx, &taskapi.CloseIORequest{ID: p.container, ExecID: p.id, Stdin: true})
}

// openForWriting opens a named pipe as soon as somebody is reading it: what is written to it before that, and that it has ended,
// nobody would ever learn.
func openForWriting(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if !errors.Is(err, unix.ENXIO) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// pipes are the named pipes between a further process's shim and us.
type pipes struct {
	copies sync.WaitGroup
	ends   []*os.File // we read from them
	holds  []*os.File // kept open for writing until the shim has them open
	stdin  string     // path of the one that we write to
	errs   []error
}

func (p *pipes) out(path string, to io.Writer) string {
	if to == nil {
		to = io.Discard
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		p.errs = append(p.errs, &os.PathError{Op: "mkfifo", Path: path, Err: err})
		return ""
	}
	in, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		p.errs = append(p.errs, err)
		return ""
	}
	p.ends = append(p.ends, in)
	hold, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		p.errs = append(p.errs, err)
		return ""
	}
	p.holds = append(p.holds, hold)
	p.copies.Go(func() {
		if _, err := io.Copy(to, in); err != nil {
			_, _ = io.Copy(io.Discard, in) // or the process would wait for us for ever
		}
	})
	return path
}

func (p *pipes) in(path string) string {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		p.errs = append(p.errs, &os.PathError{Op: "mkfifo", Path: path, Err: err})
		return ""
	}
	p.stdin = path
	return path
}

// started lets go of the writing ends: from now on the pipes end with the process's.
func (p *pipes) started() {
	for _, f := range p.holds {
		f.Close()
	}
	p.holds = nil
}

// drain waits for the rest of the output, but no longer than d.
func (p *pipes) drain(d time.Duration) {
	for _, f := range p.ends {
		_ = f.SetReadDeadline(time.Now().Add(d))
	}
	p.copies.Wait()
}

func (p *pipes) close() {
	p.started()
	for _, f := range p.ends {
		f.Close()
	}
	p.copies.Wait()
}

// capped keeps the first bytes that are written to it.
type capped struct {
	mu   sync.Mutex
	most int
	kept []byte
}

func (c *capped) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, b[:min(len(b), c.most-len(c.kept))]...)
	return len(b), nil
}

func (c *capped) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}
