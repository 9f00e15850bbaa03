package tlsterm

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// helloOf is what a client with a configuration says first.
func helloOf(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	config.InsecureSkipVerify = true
	go tls.Client(far, config).HandshakeContext(ctx)
	head := make([]byte, recordHead)
	if _, err := io.ReadFull(near, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(near, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// split spreads a record over several, of size octets each.
func split(record []byte, size int) (out []byte) {
	for body := record[recordHead:]; len(body) > 0; {
		n := min(size, len(body))
		out = append(append(out, record[0], record[1], record[2], byte(n>>8), byte(n)), body[:n]...)
		body = body[n:]
	}
	return out
}

func TestServerName(t *testing.T) {
	named := helloOf(t, &tls.Config{ServerName: "Shop.Example.COM"})
	for name, c := range map[string]struct {
		hello []byte
		want  string
	}{
		"TLS 1.3": {named, "shop.example.com"},
		"TLS 1.0": {helloOf(t, &tls.Config{ServerName: "old.example.com", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}), "old.example.com"},
		"no name": {helloOf(t, &tls.Config{}), ""},
		"ALPN":    {helloOf(t, &tls.Config{ServerName: "a.b", NextProtos: []string{"h2", strings.Repeat("x", 200)}}), "a.b"},
		"records": {split(named, 100), "shop.example.com"},
		"octets":  {split(named, 1), "shop.example.com"},
		"more":    {append(bytes.Clone(named), "early data"...), "shop.example.com"},
	} {
		got, err := ServerName(c.hello)
		if err != nil || got != c.want {
			t.Errorf("%s: %q %v", name, got, err)
		}
		whole := c.hello
		if name == "more" {
			whole = named
		}
		for n := range len(whole) {
			if _, err := ServerName(whole[:n]); err != ErrMore {
				t.Fatalf("%s: %d of %d octets: %v", name, n, len(whole), err)
			}
		}
	}
	for _, garbage := range []string{"GET / HTTP/1.1\r\n", "\x16\x03\x01\x00\x00", "\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x04\x02\x00\x00\x00", "\x16\x03\x01\x00\x04\x01\x00\x00\x00"} {
		if name, err := ServerName([]byte(garbage)); err == nil || err == ErrMore {
			t.Errorf("%q: %q %v", garbage, name, err)
		}
	}
}

// recording is a connection on which all that will ever come has come.
type recording struct{ io.Reader }

func (recording) Write(p []byte) (int, error)      { return len(p), nil }
func (recording) Close() error                     { return nil }
func (recording) LocalAddr() net.Addr              { return nil }
func (recording) RemoteAddr() net.Addr             { return nil }
func (recording) SetDeadline(time.Time) error      { return nil }
func (recording) SetReadDeadline(time.Time) error  { return nil }
func (recording) SetWriteDeadline(time.Time) error { return nil }

// FuzzServerName holds what is seen at the door against what crypto/tls sees behind it: two readers that differ would let a client reach a
// load balancer it did not name.
func FuzzServerName(f *testing.F) {
	named := helloOf(f, &tls.Config{ServerName: "shop.example.com", NextProtos: []string{"h2"}})
	f.Add(named)
	f.Add(split(named, 50))
	f.Add(helloOf(f, &tls.Config{}))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	errSeen := errors.New("seen")
	f.Fuzz(func(t *testing.T, b []byte) {
		name, err := ServerName(b)
		var seen *string
		tls.Server(recording{bytes.NewReader(b)}, &tls.Config{MinVersion: tls.VersionTLS10, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			seen = &hello.ServerName
			return nil, errSeen
		}}).Handshake()
		if seen == nil {
			return // one of the two may be stricter
		}
		if err == nil && name != strings.ToLower(*seen) || err == ErrMore {
			t.Errorf("%q, %v instead of %q", name, err, *seen)
		}
	})
}
