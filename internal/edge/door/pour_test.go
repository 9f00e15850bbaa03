package door

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// pair is the two ends of a connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); a.Close() })
	return c.(*net.TCPConn), a.(*net.TCPConn)
}

// pipes is how many ends of pipes the process has.
func pipes(t *testing.T) (n int) {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

func TestPour(t *testing.T) {
	before := pipes(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for range 8 {
		client, from := pair(t)
		to, server := pair(t)
		done := make(chan struct{})
		go func() { defer close(done); pour(to, from) }()
		one := make([]byte, 1)
		client.Write([]byte("x"))
		if _, err := io.ReadFull(server, one); err != nil || one[0] != 'x' {
			t.Fatalf("%q %v", one, err)
		}
		if n := pipes(t); n > before {
			t.Errorf("%d pipes for a connection on which nothing is said", n-before)
		}
		go func() {
			client.Write(content)
			client.CloseWrite()
		}()
		if got, err := io.ReadAll(server); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d octets, %v", len(got), err)
		}
		<-done
	}
}

// Whoever is poured to and goes away ends the connection for the other side too.
func TestPourToNobody(t *testing.T) {
	client, from := pair(t)
	to, server := pair(t)
	server.SetLinger(0)
	server.Close()
	go pour(to, from)
	for {
		if _, err := client.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// Connections beyond what the keeper may hold are closed at once.
func TestMost(t *testing.T) {
	k := start(t, "zero")
	k.most = 1
	port := freePort(t)
	k.Apply([]edgeapi.Door{doorTo(0, port, "zero.localhost")}, nil)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	first, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(first, "GET / HTTP/1.1\r\nHost: zero.localhost\r\n\r\n")
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("one too many: %v", err)
	}
	first.Close()
}
