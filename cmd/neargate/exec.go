package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/control"
)

func runExec(ctx context.Context, args []string) error {
	f := flags("exec")
	endpoint := endpointFlag(f)
	container := f.String("container", "", "which container; without it, the first essential one")
	tty := f.Bool("t", false, "with a terminal")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) < 2 {
		return errors.New("name a task or service, and a command: neargate exec web -- sh")
	}
	query := url.Values{"task": rest[:1], "container": {*container}, "arg": rest[1:]}
	if *tty {
		query.Set("tty", "1")
	}
	conn, r, err := client{*endpoint}.upgrade(ctx, "exec", query)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if *tty {
		restore, err := rawTerminal(conn)
		if err != nil {
			return err
		}
		defer restore()
	}
	go sendInput(conn)
	return showOutput(ctx, r)
}

// upgrade sends a request that turns its connection into a stream of frames.
func (c client) upgrade(ctx context.Context, path string, query url.Values) (net.Conn, *bufio.Reader, error) {
	u, err := url.Parse(c.url(path, query))
	if err != nil {
		return nil, nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, nil, fmt.Errorf("no platform answers at %s: %w", c.endpoint, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "neargate-exec")
	if err := req.Write(conn); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return conn, r, nil
	}
	defer conn.Close()
	var answer struct{ Error string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil || answer.Error == "" {
		answer.Error = res.Status
	}
	return nil, nil, errors.New(answer.Error)
}

func sendInput(conn net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := os.Stdin.Read(buf)
		if n > 0 && control.WriteFrame(conn, control.FrameStdin, buf[:n]) != nil {
			return
		}
		if err != nil {
			_ = control.WriteFrame(conn, control.FrameStdin, nil)
			return
		}
	}
}

func showOutput(ctx context.Context, r io.Reader) error {
	for {
		kind, content, err := control.ReadFrame(r)
		switch {
		case err != nil && ctx.Err() != nil:
			return exitCode(130)
		case err != nil:
			return fmt.Errorf("the platform ended the connection: %w", err)
		case kind == control.FrameStdout:
			_, _ = os.Stdout.Write(content)
		case kind == control.FrameStderr:
			_, _ = os.Stderr.Write(content)
		case kind == control.FrameError:
			return errors.New(string(content))
		case kind == control.FrameExit:
			code, err := strconv.Atoi(string(content))
			if err != nil || code != 0 {
				return exitCode(code)
			}
			return nil
		}
	}
}

// rawTerminal hands keys over as they are typed and tells the terminal's size, now and when it changes.
func rawTerminal(conn net.Conn) (restore func(), err error) {
	fd := int(os.Stdin.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, errors.New("-t needs a terminal as standard input")
	}
	raw := *was
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, err
	}
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	changed <- syscall.SIGWINCH
	go func() {
		for range changed {
			if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
				content := binary.BigEndian.AppendUint16(nil, size.Col)
				_ = control.WriteFrame(conn, control.FrameResize, binary.BigEndian.AppendUint16(content, size.Row))
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			signal.Stop(changed)
			close(changed)
			_ = unix.IoctlSetTermios(fd, unix.TCSETS, was)
		})
	}, nil
}
