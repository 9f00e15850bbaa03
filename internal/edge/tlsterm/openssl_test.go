package tlsterm

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestOpenSSL has the client that people try listeners with.
func TestOpenSSL(t *testing.T) {
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	a := newAuthority(t, "root", nil)
	own := a.issue(t, "own", "client.example.com", ecdsaKey(t), nil)
	dir := t.TempDir()
	for name, content := range map[string]string{"root.pem": encode(a.certificate.Raw), "own.pem": own.Chain, "own.key": own.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificates := []edgeapi.Certificate{a.issue(t, "rsa", "lb.localhost", rsaKey(), nil), a.issue(t, "ecdsa", "lb.localhost", ecdsaKey(t), nil)}
	for _, c := range []struct {
		name, policy, arguments string
		mutual                  bool
		want                    []string
	}{
		{"TLS 1.3", "TLS13-1-2-Res-2021-06", "-alpn h2,http/1.1", false, []string{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "ALPN protocol: h2", "Verify return code: 0 (ok)"}},
		{"TLS 1.2", "TLS13-1-2-2021-06", "-tls1_2", false, []string{"TLSv1.2", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"}},
		{"RSA", "2016-08", "-tls1_2 -cipher AES256-SHA", false, []string{"Cipher is AES256-SHA"}},
		{"refused", "TLS13-1-3-2021-06", "-tls1_2", false, []string{"alert protocol version"}},
		{"mutual", "TLS13-1-2-2021-06", "-cert own.pem -key own.key", true, []string{"CN = root", "Verify return code: 0 (ok)", "Cipher is TLS_AES_128_GCM_SHA256"}},
		{"mutual without", "TLS13-1-2-2021-06", "-tls1_2", true, []string{"alert"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snapshotOf("ELBSecurityPolicy-"+c.policy, certificates...)
			if c.mutual {
				s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: encode(a.certificate.Raw)}}
				s.LoadBalancers[0].Listeners[0].TLS.Mutual = &edgeapi.MutualAuth{Mode: edgeapi.MutualVerify, TrustStore: "store", AdvertiseCAs: true}
			}
			server := load(t, NewServers(), s)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if tls, _, err := server.Handshake(conn); err == nil {
					tls.Read(make([]byte, 100))
					tls.Close()
				}
			}()
			arguments := append([]string{"s_client", "-connect", l.Addr().String(), "-servername", "lb.localhost", "-CAfile", "root.pem"}, strings.Fields(c.arguments)...)
			cmd := exec.CommandContext(t.Context(), path, arguments...)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader("hello\n")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err = cmd.Run()
			<-done
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%v: no %q in\n%s", err, want, out.String())
				}
			}
		})
	}
}
