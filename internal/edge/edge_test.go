package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/netns/netnstest"
)

// TestMain makes the test binary an edge process when asked to, for those tests that kill one.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NEARGATE_EDGE_TEST_DIR"); dir != "" {
		if err := Run(context.Background(), configIn(dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func configIn(dir string) Config {
	return Config{
		Socket: filepath.Join(dir, "sock"), Snapshot: filepath.Join(dir, "snapshot"),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), DrainTimeout: 5 * time.Second,
	}
}

// begin runs an edge in this process until the returned function is called, or the test ends.
func begin(t *testing.T, dir string) (*edgeapi.Client, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, configIn(dir)) }()
	client := edgeapi.NewClient(filepath.Join(dir, "sock"))
	ready(t, client)
	var once sync.Once
	stop := func() {
		once.Do(func() {
			client.Close()
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return client, stop
}

func ready(t *testing.T, c *edgeapi.Client) *edgeapi.Status {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := c.Status(t.Context(), 0, 0)
		if err == nil {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// until follows the status until f holds.
func until(t *testing.T, c *edgeapi.Client, what string, f func(*edgeapi.Status) bool) *edgeapi.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var seq uint64
	for {
		s, err := c.Status(ctx, seq, 10*time.Second)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if f(s) {
			return s
		}
		seq = s.Seq
	}
}

func allHealthy(s *edgeapi.Status) bool {
	for _, x := range s.Targets {
		if x.State != edgeapi.TargetHealthy {
			return false
		}
	}
	return len(s.Targets) > 0
}

// freePort is a port nobody listens on, outside of the range from which the kernel takes the ports of connections.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// target is a net/http server that counts its probes.
func target(t *testing.T, l net.Listener, word string) (edgeapi.Target, *atomic.Int32) {
	t.Helper()
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	var probes atomic.Int32
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "ELB-HealthChecker") {
			probes.Add(1)
		}
		io.WriteString(w, word)
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	return edgeapi.Target{ID: ap.String(), Address: ap.Addr().Unmap(), Port: int(ap.Port())}, &probes
}

func snapshot(port int, targets ...edgeapi.Target) *edgeapi.Snapshot {
	return &edgeapi.Snapshot{
		Generation: 1,
		Nodes:      []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Address: netip.MustParseAddr("127.0.0.1")}},
		LoadBalancers: []edgeapi.LoadBalancer{{
			ARN: "lb", Name: "lb", DNSName: "lb.localhost", Type: "application", Scheme: "internal",
			Attributes: edgeapi.DefaultAttributes(),
			Listeners: []edgeapi.Listener{{ARN: "l", Port: port, Protocol: "HTTP", Rules: []edgeapi.Rule{{ARN: "r", Action: edgeapi.Action{
				Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: "g", Weight: 1}}},
			}}}}},
		}},
		TargetGroups: []edgeapi.TargetGroup{{
			ARN: "g", Name: "g", Protocol: "HTTP", ProtocolVersion: "HTTP1", Algorithm: edgeapi.AlgorithmRoundRobin,
			HealthCheck: edgeapi.HealthCheck{
				Protocol: "HTTP", Port: edgeapi.PortTraffic, Path: "/", Interval: time.Hour, Timeout: 5 * time.Second,
				HealthyThreshold: 2, UnhealthyThreshold: 2, Matcher: "200",
			},
			Targets: targets,
		}},
	}
}

func put(t *testing.T, c *edgeapi.Client, s *edgeapi.Snapshot) {
	t.Helper()
	if err := c.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, port int) (int, string) {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPut(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	one, _ := target(t, nil, "one")
	two, _ := target(t, nil, "two")
	port := freePort(t)
	s := snapshot(port, one)
	put(t, c, s)
	if _, body := get(t, port); body != "one" {
		t.Error(body)
	}
	put(t, c, s) // the same again
	for name, change := range map[string]func(*edgeapi.Snapshot){
		"older":             func(s *edgeapi.Snapshot) { s.Generation = 0 },
		"same, other words": func(s *edgeapi.Snapshot) { s.TargetGroups[0].Targets = []edgeapi.Target{two} },
		"invalid": func(s *edgeapi.Snapshot) {
			s.Generation = 2
			s.TargetGroups[0].Targets = []edgeapi.Target{two}
			s.LoadBalancers[0].Listeners[0].Rules = nil
		},
	} {
		bad := snapshot(port, one)
		change(bad)
		if err := c.Put(t.Context(), bad); !errors.Is(err, edgeapi.ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
		if _, body := get(t, port); body != "one" {
			t.Errorf("%s: %s", name, body)
		}
	}
	s = snapshot(port, two)
	s.Generation = 2
	put(t, c, s)
	if _, body := get(t, port); body != "two" {
		t.Error(body)
	}
	st := until(t, c, "healthy", allHealthy)
	if st.Generation != 2 || len(st.Nodes) != 1 || !st.Nodes[0].Open {
		t.Errorf("%+v", st)
	}
	n, err := c.Counters(t.Context())
	if err != nil || n.LoadBalancers[0].Requests != 5 || n.TargetGroups[0].Requests != 5 {
		t.Errorf("%+v %v", n, err)
	}
}

// TestUnknownField refuses what a newer control plane might send and this edge would not act on.
func TestUnknownField(t *testing.T) {
	dir := t.TempDir()
	begin(t, dir)
	d := net.Dialer{}
	h := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", filepath.Join(dir, "sock"))
	}}}
	defer h.CloseIdleConnections()
	for body, want := range map[string]int{
		`{"generation":1,"stickiness":true}`: 400, `{"generation":"x"}`: 400, `nonsense`: 400, `{"generation":1}`: 200,
	} {
		req, _ := http.NewRequest(http.MethodPut, "http://edge/v1/snapshot", strings.NewReader(body))
		resp, err := h.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s", body, resp.Status)
		}
	}
}

func TestSecondEdge(t *testing.T) {
	dir := t.TempDir()
	_, stop := begin(t, dir)
	if err := Run(t.Context(), configIn(dir)); !errors.Is(err, ErrRunning) {
		t.Errorf("%v", err)
	}
	stop()
	begin(t, dir)
}

func TestUnused(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	one, probes := target(t, nil, "one")
	s := snapshot(freePort(t), one)
	s.LoadBalancers[0].Listeners[0].Rules[0].Action = edgeapi.Action{FixedResponse: &edgeapi.FixedResponse{StatusCode: 200}}
	put(t, c, s)
	st := until(t, c, "unused", func(s *edgeapi.Status) bool { return s.Targets[0].State == edgeapi.TargetUnused })
	if st.Targets[0].Reason != edgeapi.ReasonNotInUse || probes.Load() != 0 {
		t.Errorf("%+v, %d probes", st.Targets[0], probes.Load())
	}
	s = snapshot(s.LoadBalancers[0].Listeners[0].Port, one)
	s.Generation = 2
	put(t, c, s)
	until(t, c, "healthy", allHealthy)
}

func TestDrainStatus(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	one, _ := target(t, nil, "one")
	two, _ := target(t, nil, "two")
	port := freePort(t)
	put(t, c, snapshot(port, one, two))
	until(t, c, "healthy", allHealthy)
	one.Draining, one.DrainUntil = true, time.Now().Add(time.Hour)
	s := snapshot(port, one, two)
	s.Generation = 2
	put(t, c, s)
	st := until(t, c, "drained", func(s *edgeapi.Status) bool { return s.Targets[0].Drained })
	if st.Targets[0].State != edgeapi.TargetDraining || st.Targets[1].Drained {
		t.Errorf("%+v", st.Targets)
	}
}

// TestFailingTarget sees a target fail and recover.
func TestFailingTarget(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	var sick atomic.Bool
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(500)
		}
	})}
	go h.Serve(l)
	defer h.Close()
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	s := snapshot(freePort(t), edgeapi.Target{ID: "a", Address: ap.Addr().Unmap(), Port: int(ap.Port())})
	s.TargetGroups[0].HealthCheck.Interval = 30 * time.Millisecond
	put(t, c, s)
	until(t, c, "healthy", allHealthy)
	sick.Store(true)
	st := until(t, c, "unhealthy", func(s *edgeapi.Status) bool { return s.Targets[0].State == edgeapi.TargetUnhealthy })
	if st.Targets[0].Reason != edgeapi.ReasonResponseCodeMismatch || st.Targets[0].Code != 500 {
		t.Errorf("%+v", st.Targets[0])
	}
	sick.Store(false)
	until(t, c, "healthy again", allHealthy)
}

// spawn runs an edge as a process of its own.
func spawn(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "NEARGATE_EDGE_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// TestKill kills an edge at a moment of its own choosing and starts another: it serves at once what the first served, knows
// what the first knew of health, and takes the next snapshot.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	first := spawn(t, dir)
	c := edgeapi.NewClient(filepath.Join(dir, "sock"))
	defer c.Close()
	ready(t, c)
	one, probes := target(t, nil, "one")
	gone := edgeapi.Target{ID: "gone", Address: one.Address, Port: freePort(t)}
	port := freePort(t)
	s := snapshot(port, one, gone)
	s.TargetGroups[0].HealthCheck.Interval = 100 * time.Millisecond
	put(t, c, s)
	states := func(s *edgeapi.Status) bool {
		return s.Targets[0].State == edgeapi.TargetHealthy && s.Targets[1].State == edgeapi.TargetUnhealthy
	}
	seq := until(t, c, "probed", states).Seq
	s = snapshot(port, one, gone) // with an interval of an hour: what is known now stays known
	s.Generation = 2
	put(t, c, s)
	kept := filepath.Join(dir, "snapshot.health")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if b, err := os.ReadFile(kept); err == nil && strings.Contains(string(b), `"healthy"`) && strings.Contains(string(b), `"unhealthy"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("health is not kept")
		}
	}
	first.Process.Kill()
	first.Wait()

	started := time.Now()
	spawn(t, dir)
	st := ready(t, c)
	if !states(st) || st.Generation != 2 || st.Seq == seq {
		t.Errorf("after the restart: %+v", st)
	}
	for range 10 {
		if status, body := get(t, port); status != 200 || body != "one" {
			t.Fatalf("%d %s", status, body)
		}
	}
	t.Logf("served again after %v", time.Since(started))
	if probes.Load() < 2 {
		t.Errorf("%d probes", probes.Load())
	}
	s = snapshot(port, one)
	s.Generation = 3
	put(t, c, s)
}

// TestDamagedSnapshot starts with files that cannot be read: empty, and ready for a new one.
func TestDamagedSnapshot(t *testing.T) {
	dir := t.TempDir()
	for slot := range 2 {
		if err := os.WriteFile(slotName(configIn(dir).Snapshot, slot), []byte(`{"generation":`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := begin(t, dir)
	if st := ready(t, c); st.Generation != 0 {
		t.Errorf("%+v", st)
	}
	one, _ := target(t, nil, "one")
	put(t, c, snapshot(freePort(t), one))
}

// TestSwapsUnderLoad puts a hundred snapshots a second while clients send requests.
func TestSwapsUnderLoad(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	var targets []edgeapi.Target
	for range 3 {
		x, _ := target(t, nil, "ok")
		targets = append(targets, x)
	}
	port := freePort(t)
	put(t, c, snapshot(port, targets...))
	until(t, c, "healthy", allHealthy)
	ctx, cancel := context.WithCancel(t.Context())
	var sent, failed atomic.Int64
	var clients sync.WaitGroup
	h := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer h.CloseIdleConnections()
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				sent.Add(1)
				resp, err := h.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
				if err != nil {
					failed.Add(1)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || string(body) != "ok" {
					failed.Add(1)
				}
			}
		})
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range 100 {
		<-tick.C
		var now []edgeapi.Target
		for j, x := range targets {
			if i%3 == j {
				x.Draining, x.DrainUntil = true, time.Now().Add(time.Hour)
			}
			now = append(now, x)
		}
		s := snapshot(port, now...)
		s.Generation = uint64(i + 2)
		put(t, c, s)
	}
	cancel()
	clients.Wait()
	if failed.Load() > 0 || sent.Load() < 50 {
		t.Errorf("%d of %d failed", failed.Load(), sent.Load())
	}
}

// TestNamespaces has a load balancer whose namespace comes late, goes, and comes again, with its target inside.
func TestNamespaces(t *testing.T) {
	c, _ := begin(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "netns")
	opener := netns.NewOpener()
	defer opener.Close()
	inside := netip.MustParseAddr("127.0.0.1")
	s := snapshot(80, edgeapi.Target{ID: "t", Address: inside, Port: 8080})
	s.Nodes[0].Namespace = path
	put(t, c, s)
	st := until(t, c, "reported", func(s *edgeapi.Status) bool { return len(s.Nodes) == 1 })
	if st.Nodes[0].Open || !strings.Contains(st.Nodes[0].Error, "no such file") {
		t.Errorf("%+v", st.Nodes)
	}
	for range 2 {
		netnstest.At(t, path)
		ns, err := opener.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := ns.ListenTCP(netip.AddrPortFrom(inside, 8080))
		if err != nil {
			t.Fatal(err)
		}
		target(t, l, "inside")
		until(t, c, "open", func(s *edgeapi.Status) bool { return s.Nodes[0].Open })
		conn, err := ns.DialTCP(t.Context(), netip.AddrPortFrom(inside, 80), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(b), "\r\n\r\ninside") {
			t.Errorf("%q %v", b, err)
		}
		conn.Close()
		until(t, c, "healthy", allHealthy)
		ns.Close()
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		until(t, c, "closed", func(s *edgeapi.Status) bool { return !s.Nodes[0].Open })
	}
}
