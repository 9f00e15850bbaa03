package edge

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// certificate is the one that net/http/httptest has.
func certificate(t *testing.T) (edgeapi.Certificate, *httptest.Server) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("X-Forwarded-Proto")+" "+r.UserAgent())
	}))
	t.Cleanup(s.Close)
	own := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return edgeapi.Certificate{
		ARN:   "certificate",
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
	}, s
}

// TestHTTPS has TLS on both sides and in health checks, a certificate that cannot be read, and a restart.
func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	client, stop := begin(t, dir)
	c, server := certificate(t)
	port := freePort(t)
	ap := server.Listener.Addr().(*net.TCPAddr).AddrPort()
	to := edgeapi.Target{ID: ap.String(), Address: ap.Addr().Unmap(), Port: int(ap.Port())}
	s := snapshot(port, to)
	s.Certificates = []edgeapi.Certificate{c}
	l := &s.LoadBalancers[0].Listeners[0]
	l.Protocol, l.TLS = edgeapi.ProtocolHTTPS, &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", Certificates: []string{c.ARN}}
	s.TargetGroups[0].Protocol, s.TargetGroups[0].HealthCheck.Protocol = edgeapi.ProtocolHTTPS, edgeapi.ProtocolHTTPS
	put(t, client, s)
	ask := func() {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
		browser := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		resp, err := browser.Get(fmt.Sprintf("https://127.0.0.1:%d/", port))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); !strings.HasPrefix(string(body), "https ") {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
	}
	until(t, client, "healthy by HTTPS", allHealthy)
	ask()

	s.Generation++
	s.Certificates[0].Key = s.Certificates[0].Chain
	if err := client.Put(t.Context(), s); !errors.Is(err, edgeapi.ErrRejected) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate without its key: %v", err)
	}
	ask()

	stop()
	client, _ = begin(t, dir)
	until(t, client, "healthy after a restart", allHealthy)
	ask()
}

// TestCertifiedName: of two load balancers on a port of this machine, the one that has a certificate with a name is found by it.
func TestCertifiedName(t *testing.T) {
	client, _ := begin(t, t.TempDir())
	c, _ := certificate(t)
	port := freePort(t)
	s := snapshot(port)
	s.Certificates = []edgeapi.Certificate{c}
	s.Nodes[0].Address = netip.MustParseAddr("127.0.0.2")
	l := &s.LoadBalancers[0].Listeners[0]
	l.Protocol, l.TLS = edgeapi.ProtocolHTTPS, &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", Certificates: []string{c.ARN}}
	for name, public := range map[string]netip.Addr{"lb": s.Nodes[0].Address, "other": netip.MustParseAddr("127.0.0.3")} {
		s.Doors = append(s.Doors, edgeapi.Door{
			LoadBalancer: name, Port: port, Protocol: edgeapi.ProtocolHTTPS, Hosts: []string{name + ".us-east-1.elb.localhost"}, Public: []netip.Addr{public},
		})
	}
	put(t, client, s)
	for name, reached := range map[string]bool{"example.com": true, "example.net": false} {
		conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{InsecureSkipVerify: true, ServerName: name})
		if (err == nil) != reached {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
