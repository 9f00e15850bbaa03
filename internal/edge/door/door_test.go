package door

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// balancers answers at public addresses, which here are on the loopback: what is dialled as 198.18.0.n leads to the n-th.
type balancers []net.Listener

func (b balancers) dial(_ context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	i := int(to.Addr().As4()[3])
	if i >= len(b) {
		return nil, fmt.Errorf("no route to %s", to)
	}
	c, err := net.Dial("tcp", b[i].Addr().String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func start(t *testing.T, names ...string) *Keeper {
	t.Helper()
	k, _ := startAs(t, Config{}, names...)
	return k
}

// startAs starts a platform, and returns what ends it before the test does.
func startAs(t *testing.T, c Config, names ...string) (k *Keeper, end func()) {
	t.Helper()
	var b balancers
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %d", name, r.Host, len(body))
		})}
		go s.Serve(l)
		t.Cleanup(func() { s.Close() })
		b = append(b, l)
	}
	c.Log, c.Changed = slog.New(slog.DiscardHandler), func() {}
	k = New(c)
	k.dial = b.dial
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	end = sync.OnceFunc(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return k, end
}

// platform is the i-th of those that share a directory.
func platform(dir string, i int) Config {
	return Config{Names: filepath.Join(dir, fmt.Sprintf("platform-%d", i)), Neighbours: filepath.Join(dir, "platform-?")}
}

func doorTo(i, port int, host string) edgeapi.Door {
	return edgeapi.Door{
		LoadBalancer: fmt.Sprintf("lb-%d", i), Port: port, Protocol: "HTTP", Hosts: []string{host},
		Loopback: netip.AddrFrom4([4]byte{127, 77, 1, byte(i)}), Public: []netip.Addr{netip.AddrFrom4([4]byte{198, 18, 0, byte(i)})},
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func get(t *testing.T, address, host string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+address+"/", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", address, host, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestDoors(t *testing.T) {
	k := start(t, "zero", "one")
	port := freePort(t)
	k.Apply([]edgeapi.Door{doorTo(0, port, "zero.localhost"), doorTo(1, port, "One.localhost")}, nil)
	shared := fmt.Sprintf("127.0.0.1:%d", port)
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct{ address, host, want string }{
		{shared, "zero.localhost", "zero zero.localhost 1048576"},
		{shared, "one.localhost:80", "one one.localhost:80 1048576"},
		{shared, "ONE.localhost.", "one ONE.localhost. 1048576"},
		{fmt.Sprintf("127.77.1.0:%d", port), "anything", "zero anything 1048576"},
		{fmt.Sprintf("127.77.1.1:%d", port), "zero.localhost", "one zero.localhost 1048576"},
	} {
		if _, body := get(t, c.address, c.host, strings.NewReader(big)); body != c.want {
			t.Errorf("%s %s: %q", c.address, c.host, body)
		}
	}
	if status, body := get(t, shared, "other.localhost", nil); status != 421 || !strings.Contains(body, "one.localhost\nzero.localhost\n") {
		t.Errorf("%d %q", status, body)
	}
	// With one load balancer on the port every host leads to it: host rules can be tried without a name.
	k.Apply([]edgeapi.Door{doorTo(1, port, "one.localhost")}, nil)
	if _, body := get(t, shared, "shop.example.com", nil); body != "one shop.example.com 0" {
		t.Errorf("%q", body)
	}
	if c, err := net.Dial("tcp", fmt.Sprintf("127.77.1.0:%d", port)); err == nil {
		c.Close()
		t.Error("a door nobody named is open")
	}
}

// TestTaken has somebody else on the shared port: the load balancer's own address serves.
func TestTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	k := start(t, "zero")
	k.Apply([]edgeapi.Door{doorTo(0, port, "zero.localhost")}, nil)
	if _, body := get(t, fmt.Sprintf("127.77.1.0:%d", port), "a", nil); body != "zero a 0" {
		t.Errorf("%q", body)
	}
	st := k.Sockets()
	if len(st) != 2 || st[0].Open || !strings.Contains(st[0].Error, "address already in use") || !st[1].Open || st[1].ID != "lb-0" {
		t.Errorf("%+v", st)
	}
}

// TestNoWay has a load balancer that cannot be reached, and clients that talk nonsense.
func TestNoWay(t *testing.T) {
	k := start(t, "zero")
	port := freePort(t)
	k.Apply([]edgeapi.Door{doorTo(0, port, "zero.localhost"), doorTo(9, port, "nine.localhost")}, nil)
	for name, raw := range map[string]string{
		"unreachable": "GET / HTTP/1.1\r\nHost: nine.localhost\r\n\r\n",
		"malformed":   "GET / HTTP/1.1\nHost: nine.localhost\n\n",
		"endless":     "GET / HTTP/1.1\r\nHost: zero.localhost\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 100),
	} {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c, raw)
		if b, _ := io.ReadAll(c); len(b) > 0 && !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
			t.Errorf("%s: %q", name, b)
		}
		c.Close()
	}
}

// TestNeighbours has two platforms on one port: the one that has it serves the names of both, and what it leads to
// follows the other one's changes.
func TestNeighbours(t *testing.T) {
	dir := t.TempDir()
	first, _ := startAs(t, platform(dir, 0), "zero", "one")
	second, _ := startAs(t, platform(dir, 1), "zero", "one")
	port := freePort(t)
	first.Apply([]edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost")}, nil)
	second.Apply([]edgeapi.Door{doorTo(1, port, "one.us-east-1.elb.localhost")}, nil)
	shared := fmt.Sprintf("127.0.0.1:%d", port)
	for host, want := range map[string]string{
		"zero.us-east-1.elb.localhost": "zero zero.us-east-1.elb.localhost 0",
		"one.us-east-1.elb.localhost":  "one one.us-east-1.elb.localhost 0",
		"shop.example.com":             "zero shop.example.com 0",
	} {
		if _, body := get(t, shared, host, nil); body != want {
			t.Errorf("%s: %q", host, body)
		}
	}
	second.Apply(nil, nil)
	if status, body := get(t, shared, "one.us-east-1.elb.localhost", nil); status != 421 {
		t.Errorf("a name that is gone: %d %q", status, body)
	}
}

// TestServerNames has connections of TLS, which are told apart by their hello. Nothing here can decrypt them.
func TestServerNames(t *testing.T) {
	k := start(t)
	var b balancers
	for i := range 2 {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d %s", i, r.TLS.ServerName)
		}))
		s.StartTLS()
		t.Cleanup(s.Close)
		b = append(b, s.Listener)
	}
	k.dial = b.dial
	port := freePort(t)
	doors := []edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost"), doorTo(1, port, "one.us-east-1.elb.localhost")}
	doors[0].Protocol, doors[1].Protocol = edgeapi.ProtocolHTTPS, edgeapi.ProtocolTLS
	k.Apply(doors, nil)
	ask := func(address, name string) (string, error) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: name}, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: tr}).Get(fmt.Sprintf("https://%s:%d/", address, port))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	for _, c := range []struct{ address, name, want string }{
		{"127.0.0.1", "zero.us-east-1.elb.localhost", "0 zero.us-east-1.elb.localhost"},
		{"127.0.0.1", "ONE.us-east-1.elb.localhost", "1 ONE.us-east-1.elb.localhost"},
		{"127.77.1.1", "shop.example.com", "1 shop.example.com"},
		{"127.77.1.0", "", "0 "},
	} {
		if body, err := ask(c.address, c.name); err != nil || body != c.want {
			t.Errorf("%s %s: %q %v", c.address, c.name, body, err)
		}
	}
	if _, err := ask("127.0.0.1", "two.us-east-1.elb.localhost"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("a name nobody has: %v", err)
	}
}

// TestCertifiedNames has names that are nobody's DNS name, but on certificates: of one load balancer, or of several, here or on another
// platform, which is asked the same.
func TestCertifiedNames(t *testing.T) {
	dir := t.TempDir()
	balancers := []string{"zero", "one", "two"}
	first, end := startAs(t, platform(dir, 0), balancers...)
	second, _ := startAs(t, platform(dir, 1), balancers...)
	port := freePort(t)
	shared := fmt.Sprintf("127.0.0.1:%d", port)
	first.Apply([]edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost"), doorTo(1, port, "one.us-east-1.elb.localhost")}, map[string][]string{
		"lb-0": {"shop.example.com", "*.example.com", "both.example.net", "*.example.net", "two.us-east-1.elb.localhost", "three.us-east-1.elb.localhost"},
		"lb-1": {"*.example.org", "both.example.net", "*.example.net"},
	})
	second.Apply([]edgeapi.Door{doorTo(2, port, "two.us-east-1.elb.localhost")}, map[string][]string{
		"lb-2": {"here.example.org", "there.example.edu", "*.example.edu"},
	})
	ask := func(hosts map[string]string) {
		t.Helper()
		for host, want := range hosts {
			status, body := get(t, shared, host, nil)
			if strings.Contains(body, "*.example.net") {
				t.Errorf("%s: a name that leads nowhere is offered: %q", host, body)
			}
			if balancer, _, _ := strings.Cut(body, " "); status == http.StatusOK && balancer != want || status != http.StatusOK && want != "" {
				t.Errorf("%s: %d %q", host, status, body)
			}
		}
	}
	ask(map[string]string{
		"shop.example.com":              "zero",
		"SHOP.example.com":              "zero",
		"any.example.com":               "zero",
		"example.com":                   "",
		"a.shop.example.com":            "",
		"both.example.net":              "", // two have it
		"any.example.net":               "",
		"any.example.org":               "one",
		"here.example.org":              "", // the neighbour has it, and here is one with a wildcard
		"there.example.edu":             "two",
		"any.example.edu":               "two",
		"two.us-east-1.elb.localhost":   "two", // the name of a load balancer is that of no other
		"three.us-east-1.elb.localhost": "",
	})
	// The platform that is alone on the port leads there whatever else is asked for.
	end()
	ask(map[string]string{"any.example.org": "two", "there.example.edu": "two", "shop.example.com": "two", "three.us-east-1.elb.localhost": ""})
}
