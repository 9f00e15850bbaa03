package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// networkSnapshot is a network load balancer with a listener of each protocol on the ports: TCP, UDP and TLS.
func networkSnapshot(generation uint64, ports [3]int, streams, datagrams edgeapi.Target, certificate *edgeapi.Certificate) *edgeapi.Snapshot {
	forward := func(arn, group string) []edgeapi.Rule {
		return []edgeapi.Rule{{ARN: arn, Action: edgeapi.Action{Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: group, Weight: 1}}}}}}
	}
	group := func(arn, protocol string, t edgeapi.Target) edgeapi.TargetGroup {
		return edgeapi.TargetGroup{
			ARN: arn, Protocol: protocol, Targets: []edgeapi.Target{t},
			HealthCheck: edgeapi.HealthCheck{
				Protocol: edgeapi.ProtocolTCP, Port: fmt.Sprint(streams.Port), Interval: 100 * time.Millisecond, Timeout: 10 * time.Second,
				HealthyThreshold: 2, UnhealthyThreshold: 2,
			},
		}
	}
	return &edgeapi.Snapshot{
		Generation: generation,
		Nodes:      []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Address: netip.MustParseAddr("127.0.0.1"), AvailabilityZone: "a"}},
		LoadBalancers: []edgeapi.LoadBalancer{{
			ARN: "lb", Type: edgeapi.TypeNetwork, Attributes: edgeapi.Attributes{CrossZone: true},
			Listeners: []edgeapi.Listener{
				{ARN: "tcp", Port: ports[0], Protocol: edgeapi.ProtocolTCP, Rules: forward("tcp", "streams")},
				{ARN: "udp", Port: ports[1], Protocol: edgeapi.ProtocolUDP, Rules: forward("udp", "datagrams")},
				{
					ARN: "tls", Port: ports[2], Protocol: edgeapi.ProtocolTLS, Rules: forward("tls", "streams"),
					TLS: &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-2021-06", Certificates: []string{certificate.ARN}, ALPN: edgeapi.ALPNHTTP2Preferred},
				},
			},
		}},
		TargetGroups: []edgeapi.TargetGroup{group("streams", edgeapi.ProtocolTCP, streams), group("datagrams", edgeapi.ProtocolUDP, datagrams)},
		Certificates: []edgeapi.Certificate{*certificate},
	}
}

func selfSigned(t *testing.T) *edgeapi.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nlb.localhost"}, DNSNames: []string{"nlb.localhost"},
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &edgeapi.Certificate{
		ARN:   "certificate",
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

// echoTargets answer with what they get, by TCP and by UDP.
func echoTargets(t *testing.T) (streams, datagrams edgeapi.Target) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := u.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			u.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	at := func(a netip.AddrPort) edgeapi.Target {
		return edgeapi.Target{ID: a.Addr().Unmap().String(), Address: a.Addr().Unmap(), Port: int(a.Port()), AvailabilityZone: "a"}
	}
	return at(l.Addr().(*net.TCPAddr).AddrPort()), at(u.LocalAddr().(*net.UDPAddr).AddrPort())
}

// echoed says something on a connection and wants it back.
func echoed(t *testing.T, c net.Conn) {
	t.Helper()
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 5)
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Fatalf("%q %v", b, err)
	}
}

// TestNetworkLoadBalancer kills an edge that serves a network load balancer; the next one serves all its listeners again, and counts.
func TestNetworkLoadBalancer(t *testing.T) {
	dir := t.TempDir()
	first := spawn(t, dir)
	c := edgeapi.NewClient(filepath.Join(dir, "sock"))
	defer c.Close()
	ready(t, c)
	streams, datagrams := echoTargets(t)
	ports := [3]int{freePort(t), freePort(t), freePort(t)}
	certificate := selfSigned(t)
	put(t, c, networkSnapshot(1, ports, streams, datagrams, certificate))
	until(t, c, "healthy", allHealthy)
	use := func() {
		t.Helper()
		dial := func(network string, port int) net.Conn {
			conn, err := net.Dial(network, fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		echoed(t, dial("tcp", ports[0]))
		echoed(t, dial("udp", ports[1]))
		secure := tls.Client(dial("tcp", ports[2]), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1", "h2"}})
		echoed(t, secure)
		if s := secure.ConnectionState(); s.NegotiatedProtocol != "h2" || s.PeerCertificates[0].DNSNames[0] != "nlb.localhost" {
			t.Errorf("%+v", s)
		}
		plain := dial("tcp", ports[2])
		io.WriteString(plain, "GET / HTTP/1.1\r\n\r\n")
		io.Copy(io.Discard, plain)
		plain.Close()
	}
	use()
	first.Process.Kill()
	first.Wait()
	spawn(t, dir)
	st := ready(t, c)
	if len(st.Nodes) != 3 {
		t.Errorf("after the restart: %+v", st)
	}
	use()
	until(t, c, "healthy again", allHealthy)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		all, err := c.Counters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f := map[string]edgeapi.FlowCounters{}
		for _, one := range all.LoadBalancers[0].Flows {
			f[one.Protocol] = one
		}
		if f["TCP"].New == 1 && f["TCP"].Active == 0 && f["UDP"].New == 1 && f["UDP"].Packets == 2 && f["TLS"].New == 2 && f["TLS"].ClientTLSErrors == 1 &&
			f["TLS"].Active == 0 && f["TLS"].Bytes == 10 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", all)
		}
	}
	// A listener nobody forwards by any more closes; another snapshot is taken.
	s := networkSnapshot(2, ports, streams, datagrams, certificate)
	s.LoadBalancers[0].Listeners = s.LoadBalancers[0].Listeners[:1]
	put(t, c, s)
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[2])); err == nil {
		conn.Close()
		t.Error("the TLS listener is still there")
	}
}

// TestForeignZone does not use a target in a zone the load balancer is not in, even if all others are unhealthy.
func TestForeignZone(t *testing.T) {
	c, stop := begin(t, t.TempDir())
	defer stop()
	streams, datagrams := echoTargets(t)
	ports := [3]int{freePort(t), freePort(t), freePort(t)}
	s := networkSnapshot(1, ports, streams, datagrams, selfSigned(t))
	s.TargetGroups[0].Targets[0].AvailabilityZone = "c"
	dead := edgeapi.Target{ID: "dead", Address: streams.Address, Port: freePort(t), AvailabilityZone: "a"}
	s.TargetGroups[0].HealthCheck.Port = edgeapi.PortTraffic
	s.TargetGroups[0].Targets = append(s.TargetGroups[0].Targets, dead)
	put(t, c, s)
	st := until(t, c, "unhealthy", func(s *edgeapi.Status) bool { return s.Targets[1].State == edgeapi.TargetUnhealthy })
	if got := st.Targets[0]; got.State != edgeapi.TargetUnused || got.Reason != edgeapi.ReasonNotInUse {
		t.Errorf("%+v", got)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
	if err != nil {
		return // reset before we looked
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "hello")
	if n, err := conn.Read(make([]byte, 5)); err == nil {
		t.Errorf("%d octets from a target in another zone", n)
	}
}

// TestTargetsOfTLS speaks TLS with the targets of a TLS group, whatever their certificates.
func TestTargetsOfTLS(t *testing.T) {
	dir := t.TempDir()
	c, stop := begin(t, dir)
	defer stop()
	certificate := selfSigned(t)
	pair, err := tls.X509KeyPair([]byte(certificate.Chain), []byte(certificate.Key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	negotiated := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if conn.(*tls.Conn).Handshake() == nil { // a probe has none
					negotiated <- conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
				}
				io.Copy(conn, conn)
			}()
		}
	}()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	target := edgeapi.Target{ID: "127.0.0.1", Address: at.Addr().Unmap(), Port: int(at.Port())}
	ports := [3]int{freePort(t), freePort(t), freePort(t)}
	s := networkSnapshot(1, ports, target, target, certificate)
	s.LoadBalancers[0].Listeners = s.LoadBalancers[0].Listeners[2:]
	s.TargetGroups[0].Protocol = edgeapi.ProtocolTLS
	put(t, c, s)
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[2]), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	echoed(t, conn)
	if got := <-negotiated; got != "h2" {
		t.Errorf("%q spoken with the target", got)
	}
}
