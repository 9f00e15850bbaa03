package l4

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

func someCertificate(t testing.TB) edgeapi.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"nlb.localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return edgeapi.Certificate{
		ARN:   "arn:certificate",
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

// TestTLS carries what clients say by TLS, ends flows with their target, and logs each.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	logs, err := accesslog.Open(accesslog.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	logging, stopLogging := context.WithCancel(context.Background())
	logged := make(chan error)
	go func() { logged <- logs.Run(logging) }()

	o := netns.NewOpener()
	defer o.Close()
	e := New(Config{Opener: o, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Logs: logs, Changed: func() {}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- e.Run(ctx, 50*time.Millisecond) }()
	target := named(t, "hello")
	lb := edgeapi.LoadBalancer{
		ARN:  "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/nlb/0123",
		Type: edgeapi.TypeNetwork, Attributes: edgeapi.Attributes{AccessLog: true},
		Listeners: []edgeapi.Listener{{
			ARN: "arn:listener/net/nlb/0123/4567", Port: freePort(t), Protocol: edgeapi.ProtocolTLS,
			TLS:   &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-2021-06", Certificates: []string{"arn:certificate"}},
			Rules: []edgeapi.Rule{{ARN: "default", Action: forwardTo("group")}},
		}},
	}
	s := &edgeapi.Snapshot{
		Generation: 1, Nodes: []edgeapi.Node{{ID: "eni-1", LoadBalancer: lb.ARN, Address: loopback, AvailabilityZone: "a"}},
		LoadBalancers: []edgeapi.LoadBalancer{lb}, Certificates: []edgeapi.Certificate{someCertificate(t)},
		TargetGroups: []edgeapi.TargetGroup{testGroup("group", edgeapi.ProtocolTCP, target)},
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	servers, err := tlsterm.NewServers().Load(s)
	if err != nil {
		t.Fatal(err)
	}
	e.Apply(s, servers, func(TargetKey) bool { return true })
	at := e.Sockets()[0].Address
	dial := func() *tls.Conn {
		t.Helper()
		c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true, ServerName: "nlb.localhost"})
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
	c := dial()
	if got := word(t, c); got != "hello" {
		t.Error(got)
	}
	if got := exchange(t, c, "world"); got != "world" {
		t.Error(got)
	}
	c.CloseWrite()
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("%q %v", rest, err)
	}
	c.Close()

	// A flow ends with its target's deregistration delay.
	c = dial()
	word(t, c)
	next := *s
	next.Generation = 2
	next.TargetGroups = []edgeapi.TargetGroup{testGroup("group", edgeapi.ProtocolTCP, draining(target, time.Now().Add(50*time.Millisecond)))}
	next.TargetGroups[0].TerminateDeregistered = true
	e.Apply(&next, servers, func(TargetKey) bool { return true })
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Error(err)
	}
	c.Close()
	plain, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(plain, "GET / HTTP/1.1\r\n\r\n")
	io.Copy(io.Discard, plain)
	plain.Close()
	eventually(t, "all flows have ended", func() bool { return e.flows.Load() == 0 })
	balancers, _ := e.Counters()
	for _, f := range balancers[0].Flows {
		if f.Protocol == "TLS" && (f.New != 3 || f.Active != 0 || f.ClientTLSErrors != 1 || f.Bytes != 20) {
			t.Errorf("%+v", f)
		}
	}
	cancel()
	<-done
	stopLogging()
	if err := <-logged; err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 {
		t.Fatalf("%s", text)
	}
	var whole, failed string
	for _, l := range lines {
		f := strings.Fields(l)
		if f[0] != "tls" || f[3] != "net/nlb/0123" || f[4] != "4567" || f[6] != at {
			t.Errorf("%s", l)
		}
		switch {
		case f[9] == "5" && f[10] == "10":
			whole = l
		case f[8] == "-":
			failed = l
		}
	}
	if !strings.Contains(whole, " arn:certificate ") || !strings.Contains(whole, " tlsv13 ") || !strings.Contains(whole, " nlb.localhost ") || failed == "" {
		t.Errorf("%s", text)
	}
}

// dialTLS connects to a TLS listener whose target says a word first.
func dialTLS(t *testing.T, b *bench) *tls.Conn {
	t.Helper()
	c := tls.Client(b.dial(), &tls.Config{InsecureSkipVerify: true, ServerName: "nlb.localhost"})
	word(t, c)
	return c
}

// TestTLSFlowsEnd ends flows of TLS with what they belong to, as others end, and counts them once.
func TestTLSFlowsEnd(t *testing.T) {
	target := named(t, "hello")
	for name, change := range map[string]func(*edgeapi.Snapshot){
		"listener": func(s *edgeapi.Snapshot) {
			s.LoadBalancers = []edgeapi.LoadBalancer{s.LoadBalancers[0]}
			s.LoadBalancers[0].Listeners = nil
		},
		"node": func(s *edgeapi.Snapshot) { s.Nodes = nil },
		"target": func(s *edgeapi.Snapshot) {
			s.TargetGroups[0].Targets = []edgeapi.Target{draining(target, time.Now())}
			s.TargetGroups[0].TerminateDeregistered = true
		},
	} {
		b := newBench(t, edgeapi.ProtocolTLS, target)
		c := dialTLS(t, b)
		b.apply(change)
		if _, err := c.Read(make([]byte, 1)); !isReset(err) {
			t.Errorf("%s: %v", name, err)
		}
		eventually(t, "the flow has ended", func() bool { return b.engine.flows.Load() == 0 })
		if f := b.flows("TLS"); f.Resets != 1 || f.ClientResets != 0 || f.TargetResets != 0 || f.Active != 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestTLSFlowIsNotMissed begins a flow while a writer ends those of the target: it does not get the target before the writer is done.
func TestTLSFlowIsNotMissed(t *testing.T) {
	target := named(t, "hello")
	b := newBench(t, edgeapi.ProtocolTLS, target)
	e := b.engine
	e.mu.Lock()
	x := e.targets[b.key(target)]
	f := &tlsFlow{server: e.nodes["eni-1"].servers[b.port], from: netip.AddrPortFrom(loopback, 1)}
	given := make(chan bool)
	go func() {
		_, _, to := f.choose(e, nil)
		given <- to != nil
	}()
	time.Sleep(10 * time.Millisecond) // enough for who does not wait
	if x.tickets.Out() != 0 {
		t.Error("given a target under the writer's eyes")
	}
	x.tickets.Drain(&e.mu, time.Now().Add(time.Hour), func() {})
	e.mu.Unlock()
	if <-given {
		t.Error("given a target that is draining")
	}
}
