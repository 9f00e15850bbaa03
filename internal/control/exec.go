package control

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/task"
)

// Kinds of the frames that /_neargate/exec exchanges once the connection is
// switched: | kind u8 | length u32 big endian | content |.
const (
	FrameStdin  = 0 // to the server; an empty one ends the input
	FrameStdout = 1
	FrameStderr = 2
	FrameExit   = 3 // last: the exit code in decimal
	FrameError  = 4 // last: why there is none
	FrameResize = 5 // to the server: columns u16, rows u16
)

// maxFrame bounds a frame's content.
const maxFrame = 64 << 10

// WriteFrame writes one frame.
func WriteFrame(w io.Writer, kind byte, content []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	_, err := w.Write(append(head, content...))
	return err
}

// ReadFrame reads one frame.
func ReadFrame(r io.Reader) (kind byte, content []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("frame of %d bytes is longer than %d", n, maxFrame)
	}
	content = make([]byte, n)
	_, err = io.ReadFull(r, content)
	return head[0], content, err
}

// serveExec runs a command in a container: ?task=WORD&container=NAME&arg=sh&arg=-c&arg=…&tty=1.
func (c *core) serveExec(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	id, err := c.runningContainer(q.Get("task"), q.Get("container"))
	if err != nil {
		return err
	}
	if len(q["arg"]) == 0 {
		return &refusal{http.StatusBadRequest, "no command given"}
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: neargate-exec\r\n\r\n"); err != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := &frames{to: conn}
	stdin, input := io.Pipe()
	defer stdin.Close() // input that nobody took
	resize := make(chan containers.Size, 1)
	go func() {
		defer cancel() // the client has gone
		defer input.Close()
		readInput(rw.Reader, input, resize)
	}()
	code, err := c.machine.ExecStream(ctx, id, task.ExecSpec{Command: q["arg"]}, containers.Streams{
		Stdin: stdin, Stdout: out.kind(FrameStdout), Stderr: out.kind(FrameStderr), Terminal: q.Get("tty") == "1", Resize: resize,
	})
	if err != nil {
		_, _ = out.kind(FrameError).Write([]byte(err.Error()))
		return nil
	}
	_, _ = out.kind(FrameExit).Write([]byte(strconv.Itoa(code)))
	return nil
}

func readInput(from *bufio.Reader, stdin *io.PipeWriter, resize chan<- containers.Size) {
	for {
		kind, content, err := ReadFrame(from)
		switch {
		case err != nil:
			return
		case kind == FrameStdin && len(content) == 0:
			stdin.Close()
		case kind == FrameStdin:
			if _, err := stdin.Write(content); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				return
			}
		case kind == FrameResize && len(content) == 4:
			select {
			case resize <- containers.Size{Width: int(binary.BigEndian.Uint16(content)), Height: int(binary.BigEndian.Uint16(content[2:]))}:
			default: // the next one tells more
			}
		}
	}
}

// frames lets several streams share one connection.
type frames struct {
	mu sync.Mutex
	to io.Writer
}

type frameWriter struct {
	*frames
	is byte
}

func (f *frames) kind(k byte) io.Writer { return frameWriter{f, k} }

func (f frameWriter) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for done := 0; done < len(p); {
		part := p[done:min(done+maxFrame, len(p))]
		if err := WriteFrame(f.to, f.is, part); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

// runningContainer finds the container that a word and a name mean: the first essential one without a name.
func (c *core) runningContainer(word, name string) (string, error) {
	for _, t := range c.find(word) {
		if t.Status != task.Running {
			continue
		}
		for _, x := range t.Containers {
			if x.Status == task.Running && (x.Name == name || name == "" && x.Essential) {
				return x.ID, nil
			}
		}
	}
	what := "running task " + strconv.Quote(word)
	if name != "" {
		what = "running container " + strconv.Quote(name) + " of " + strconv.Quote(word)
	}
	return "", &refusal{http.StatusNotFound, "there is no " + what}
}
