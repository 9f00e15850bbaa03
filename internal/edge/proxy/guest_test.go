package proxy

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestSpeechlessClient: a client that connects and says nothing is counted and held to the idle timeout as well.
func TestSpeechlessClient(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	active := func() int64 { return b.engine.Counters().LoadBalancers[0].ActiveConnections }

	late := b.dial()
	eventually(t, "it is counted", func() bool { return active() == 1 })
	io.WriteString(late, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if answer, err := io.ReadAll(late); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("%q %v", answer, err)
	}

	b.apply(func(s *edgeapi.Snapshot) { s.LoadBalancers[0].Attributes.IdleTimeout = time.Second })
	if rest, err := io.ReadAll(b.dial()); err != nil || len(rest) > 0 {
		t.Errorf("%q %v", rest, err)
	}

	b.dial().Close()
	eventually(t, "all have come and gone", func() bool {
		return b.engine.Counters().LoadBalancers[0].NewConnections == 3 && active() == 0
	})
}

// newGuest makes a guest, and the other side of its connection.
func newGuest(t *testing.T) (*guest, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := os.NewFile(uintptr(fds[1]), "other")
	t.Cleanup(func() { other.Close() })
	return &guest{fd: fds[0]}, other
}

// TestGuest is an accepted connection before and after somebody has waited for it.
func TestGuest(t *testing.T) {
	for _, settled := range []bool{false, true} {
		g, other := newGuest(t)
		descriptor := g.fd
		never := func(uintptr) bool { return false }
		always := func(fd uintptr) bool { return int(fd) == descriptor }
		if settled {
			if err := g.Write(always); err != nil {
				t.Error(err)
			}
		}
		g.SetDeadline(past)
		if err := g.Read(never); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("settled %v: after the deadline: %v", settled, err)
		}
		g.SetDeadline(time.Time{})
		io.WriteString(other, "x\n")
		var line string
		err := g.Read(func(fd uintptr) bool {
			p := make([]byte, 8)
			n, err := unix.Read(int(fd), p)
			line = string(p[:max(n, 0)])
			return err != unix.EAGAIN
		})
		if err != nil || line != "x\n" {
			t.Errorf("settled %v: %q %v", settled, line, err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if _, err := bufio.NewReader(other).ReadByte(); err != io.EOF {
			t.Errorf("settled %v: the other side: %v", settled, err)
		}
		for name, err := range map[string]error{
			"control": g.Control(func(uintptr) { t.Error("the descriptor is used after it was closed") }), "read": g.Read(always), "close": g.Close(),
		} {
			if err == nil {
				t.Errorf("settled %v: %s after it was closed", settled, name)
			}
		}
	}
}

// TestGuestNobodyWaitedFor is broken off and closed without the poller.
func TestGuestNobodyWaitedFor(t *testing.T) {
	g, other := newGuest(t)
	g.SetDeadline(past)
	g.SetDeadline(time.Time{})
	if err := g.Close(); err != nil || g.file != nil {
		t.Error(err, g.file)
	}
	if _, err := other.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}

// TestGuestTheRuntimeCannotWaitFor fails whoever waits, each time: the runtime's poller takes no ordinary file, as it takes no connection beyond
// what the kernel lets it watch.
func TestGuestTheRuntimeCannotWaitFor(t *testing.T) {
	fd, err := unix.Open(t.TempDir()+"/file", unix.O_CREAT|unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{fd: fd}
	defer g.Close()
	g.SetDeadline(past)
	for range 2 {
		if err := g.Read(func(uintptr) bool { return false }); err == nil {
			t.Error("waited")
		}
	}
}
