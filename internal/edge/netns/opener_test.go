package netns

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/netns/netnstest"
)

var address = netip.MustParseAddrPort("127.0.0.1:8080")

// serve answers with a word at address inside a namespace.
func serve(t *testing.T, n *Namespace, word string) {
	t.Helper()
	l, err := n.ListenTCP(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, word)
			c.Close()
		}
	}()
}

func ask(t *testing.T, n *Namespace) string {
	t.Helper()
	c, err := n.DialTCP(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestApart has the same address listen in two namespaces; each is reached from its own only, and the process stays where it
// was.
func TestApart(t *testing.T) {
	o := NewOpener()
	defer o.Close()
	var all []*Namespace
	for _, word := range []string{"one", "two"} {
		n, err := o.Open(netnstest.New(t))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		serve(t, n, word)
		all = append(all, n)
	}
	for range 5 {
		if a, b := ask(t, all[0]), ask(t, all[1]); a != "one" || b != "two" {
			t.Fatal(a, b)
		}
	}
	if c, err := net.Dial("tcp", address.String()); err == nil {
		c.Close()
		t.Error("the namespace's address is reached from outside")
	}
	u, err := all[0].ListenUDP(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Close()
}

func TestDialErrors(t *testing.T) {
	o := NewOpener()
	defer o.Close()
	for _, path := range []string{"", netnstest.New(t)} {
		n, err := o.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if _, err := n.DialTCP(t.Context(), netip.MustParseAddrPort("127.0.0.1:1"), nil); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("refused: %v", err)
		}
	}
	n, err := o.Open(netnstest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if _, err := n.DialTCP(t.Context(), netip.MustParseAddrPort("10.0.0.1:80"), nil); !errors.Is(err, unix.ENETUNREACH) {
		t.Errorf("no route: %v", err)
	}
}

// TestDialTimeout dials a listener that accepts nothing more.
func TestDialTimeout(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	o := NewOpener()
	defer o.Close()
	n, err := o.Open("")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for range 8 { // the queue takes one or two
		c, err := n.DialTCP(ctx, to, nil)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			return
		}
		defer c.Close()
	}
	t.Error("a full queue accepts")
}

func TestStale(t *testing.T) {
	o := NewOpener()
	defer o.Close()
	path := netnstest.New(t)
	n, err := o.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.Stale() {
		t.Error("stale at once")
	}
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if !n.Stale() {
		t.Error("replaced by the file below")
	}
	if _, err := o.Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("an ordinary file:", err)
	}
	os.Remove(path)
	if !n.Stale() {
		t.Error("gone")
	}
	if _, err := o.Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
