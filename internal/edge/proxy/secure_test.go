package proxy

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// authority issues certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{c, key}
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// issue makes a certificate; change may alter what it says.
func (a *authority) issue(t testing.TB, key crypto.Signer, name string, change func(*x509.Certificate)) edgeapi.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x03a5b1), Subject: pkix.Name{CommonName: name, Organization: []string{"Acme, Inc."}, Country: []string{"US"}},
		DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return edgeapi.Certificate{
		ARN:   "certificate/" + name,
		Chain: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) + a.pem(),
		Key:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	}
}

func ecdsaKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// secured makes the bench's listener one of HTTPS and returns the authority of its certificate, which is for lb.localhost.
func secured(t testing.TB, b *bench, change func(*edgeapi.Snapshot, *edgeapi.Listener)) *authority {
	t.Helper()
	a := newAuthority(t)
	c := a.issue(t, ecdsaKey(t), "lb.localhost", nil)
	b.apply(func(s *edgeapi.Snapshot) {
		s.Certificates = []edgeapi.Certificate{c}
		l := &s.LoadBalancers[0].Listeners[0]
		l.Protocol = edgeapi.ProtocolHTTPS
		l.TLS = &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", Certificates: []string{c.ARN}}
		if change != nil {
			change(s, l)
		}
	})
	return a
}

// dialTLS is a client of HTTP/1.1 that trusts the authority.
func (a *authority) config() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return &tls.Config{RootCAs: pool, ServerName: "lb.localhost"}
}

func (a *authority) client(t testing.TB, b *bench, http2 bool) *http.Client {
	tr := &http.Transport{
		TLSClientConfig: a.config(), ForceAttemptHTTP2: http2, MaxIdleConnsPerHost: 32, DisableCompression: true,
	}
	if !http2 {
		tr.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (b *bench) secureURL(path string) string {
	return fmt.Sprintf("https://127.0.0.1:%d%s", b.port, path)
}

// echoTarget answers with what it was sent: fields, and as many octets as asked for.
func echoTarget(t testing.TB) (*httptest.Server, edgeapi.Target) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(s.Close)
	return s, targetAt(s.Listener.Addr())
}

func echo(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-") {
			w.Header()["Echo-"+name] = values
		}
	}
	w.Header().Set("Echo-Host", r.Host)
	w.Header().Set("Echo-Length", fmt.Sprint(n))
	size := 0
	fmt.Sscan(r.URL.Query().Get("size"), &size)
	if r.URL.Query().Get("stream") == "" {
		w.Header().Set("Content-Length", fmt.Sprint(size))
	}
	io.Copy(w, io.LimitReader(letters{}, int64(size)))
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return len(p), nil
}

func TestHTTPS(t *testing.T) {
	_, target := echoTarget(t)
	b := newBench(t, target)
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) { s.LoadBalancers[0].Attributes.TLSHeaders = true })
	for _, http2 := range []bool{false, true} {
		c := a.client(t, b, http2)
		for _, x := range []struct {
			sent, size int
			stream     string
		}{
			{0, 0, ""}, {10, 10, ""}, {1 << 20, 1 << 20, ""}, {100_000, 100_000, "1"}, {16 << 10, 16 << 10, ""}, {16<<10 + 1, 32<<10 + 1, "1"}, {1, 1, ""},
		} {
			req, _ := http.NewRequest("POST", b.secureURL(fmt.Sprintf("/?size=%d&stream=%s", x.size, x.stream)), io.LimitReader(letters{}, int64(x.sent)))
			if x.stream == "" {
				req.ContentLength = int64(x.sent)
			}
			req.Header.Set("X-Amzn-Tls-Version", "SSLv2")
			req.Header.Set("X_Amzn_Mtls_Clientcert-Subject", "CN=root")
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(http2, x, err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			h := resp.Header
			if err != nil || n != int64(x.size) || h.Get("Echo-Length") != fmt.Sprint(x.sent) {
				t.Errorf("http2 %v %+v: %d, %v, %v", http2, x, n, err, h)
			}
			for name, want := range map[string]string{
				"X-Forwarded-Proto": "https", "X-Forwarded-Port": fmt.Sprint(b.port), "X-Amzn-Tls-Version": "TLSv1.3",
				"X-Amzn-Tls-Cipher-Suite": "TLS_AES_128_GCM_SHA256", "X_Amzn_Mtls_Clientcert-Subject": "",
			} {
				if got := h["Echo-"+name]; strings.Join(got, "|") != want {
					t.Errorf("http2 %v: %s: %q", http2, name, got)
				}
			}
			if want := map[bool]int{false: 1, true: 2}[http2]; resp.ProtoMajor != want {
				t.Errorf("protocol %v", resp.Proto)
			}
		}
	}
}

func TestHTTPSRedirect(t *testing.T) {
	b := newBench(t)
	a := secured(t, b, func(_ *edgeapi.Snapshot, l *edgeapi.Listener) {
		l.Rules[0].Action = edgeapi.Action{Redirect: &edgeapi.Redirect{
			Protocol: "#{protocol}", Host: "other.example.com", Port: "#{port}", Path: "/#{path}", Query: "#{query}", StatusCode: 301,
		}}
	})
	c := a.client(t, b, false)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Get(b.secureURL("/a?b"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := resp.Header.Get("Location"), fmt.Sprintf("https://other.example.com:%d/a?b", b.port); got != want {
		t.Errorf("%s instead of %s", got, want)
	}
}

// TestSecureTargets has HTTPS on both sides, with a target certificate that nobody would trust.
func TestSecureTargets(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	b := newBench(t, targetAt(s.Listener.Addr()))
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) { s.TargetGroups[0].Protocol = edgeapi.ProtocolHTTPS })
	c := a.client(t, b, false)
	ask := func(sent, size int) {
		t.Helper()
		resp, err := c.Post(b.secureURL(fmt.Sprintf("/?size=%d", size)), "text/plain", strings.NewReader(strings.Repeat("x", sent)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n != int64(size) || resp.Header.Get("Echo-Length") != fmt.Sprint(sent) {
			t.Errorf("%d, %d: %d %v %v", sent, size, n, err, resp.Header)
		}
	}
	for range 10 {
		ask(100, 100_000)
		ask(0, 16<<10)
		ask(2000, 0)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for requests one after the other", n)
	}
	ask(100_000, 1)
	ask(1<<20, 1<<20)
}

// TestSecureHTTP2Targets has HTTP/2 by TLS on both sides.
func TestSecureHTTP2Targets(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Seen", r.Proto+" "+r.TLS.NegotiatedProtocol)
		echo(w, r)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	b := newBench(t, targetAt(s.Listener.Addr()))
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) {
		s.TargetGroups[0].Protocol, s.TargetGroups[0].ProtocolVersion = edgeapi.ProtocolHTTPS, edgeapi.VersionHTTP2
	})
	c := a.client(t, b, true)
	for range 5 {
		resp, err := c.Post(b.secureURL("/?size=300000"), "text/plain", io.LimitReader(letters{}, 200_000))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		h := resp.Header
		if err != nil || n != 300_000 || h.Get("Echo-Length") != "200000" || h.Get("Seen") != "HTTP/2.0 h2" || h.Get("Echo-X-Forwarded-Proto") != "https" {
			t.Errorf("%d %d %v %v", resp.StatusCode, n, err, h)
		}
	}
}

// TestPlainTarget has a target that does not speak TLS though its group is one of HTTPS.
func TestPlainTarget(t *testing.T) {
	_, target := echoTarget(t)
	b := newBench(t, target)
	b.apply(func(s *edgeapi.Snapshot) { s.TargetGroups[0].Protocol = edgeapi.ProtocolHTTPS })
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", b.port))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	g := b.engine.Counters().TargetGroups[0]
	if resp.StatusCode != 502 || g.TLSErrors != 1 || g.ConnectionErrors != 0 {
		t.Errorf("%d %+v", resp.StatusCode, g)
	}
}

func TestMutualTLS(t *testing.T) {
	_, target := echoTarget(t)
	b := newBench(t, target)
	trusted, stranger := newAuthority(t), newAuthority(t)
	mode := func(m *edgeapi.MutualAuth, rename ...edgeapi.Header) *authority {
		return secured(t, b, func(s *edgeapi.Snapshot, l *edgeapi.Listener) {
			s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: trusted.pem()}}
			l.TLS.Mutual, l.Attributes.RequestHeaders = m, rename
		})
	}
	pair := func(c edgeapi.Certificate) tls.Certificate {
		p, err := tls.X509KeyPair([]byte(c.Chain), []byte(c.Key))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ask := func(a *authority, own *tls.Certificate) (http.Header, error) {
		c := a.client(t, b, false)
		if own != nil {
			c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{*own}
		}
		req, _ := http.NewRequest("GET", b.secureURL("/"), nil)
		req.Header.Set("X-Amzn-Mtls-Clientcert-Leaf", "forged")
		req.Header.Set("X-Amzn-Mtls-Clientcert", "forged")
		req.Header.Set("X-Client-Subject", "forged")
		resp, err := c.Do(req)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		return resp.Header, nil
	}
	good := pair(trusted.issue(t, ecdsaKey(t), "client.example.com", nil))
	bad := pair(stranger.issue(t, ecdsaKey(t), "client.example.com", nil))
	const prefix = "Echo-X-Amzn-Mtls-Clientcert"

	a := mode(&edgeapi.MutualAuth{Mode: edgeapi.MutualVerify, TrustStore: "store"}, edgeapi.Header{Name: "x-amzn-mtls-clientcert-subject", Value: "X-Client-Subject"})
	for name, own := range map[string]*tls.Certificate{"none": nil, "a stranger's": &bad} {
		if h, err := ask(a, own); err == nil {
			t.Errorf("certificate %s: accepted: %v", name, h)
		}
	}
	h, err := ask(a, &good)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := url.PathUnescape(h.Get(prefix + "-Leaf"))
	if block, _ := pem.Decode([]byte(leaf)); err != nil || block == nil || string(block.Bytes) != string(good.Certificate[0]) {
		t.Errorf("leaf %q", leaf)
	}
	for name, want := range map[string]string{
		prefix + "-Serial-Number": "03A5B1", "Echo-X-Client-Subject": `CN=client.example.com,O=Acme\, Inc.,C=US`,
		prefix + "-Issuer": "CN=test authority", prefix: "",
	} {
		if got := strings.Join(h.Values(name), "|"); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if v := h.Get(prefix + "-Validity"); !strings.HasPrefix(v, "NotBefore=2") || !strings.Contains(v, "Z;NotAfter=2") {
		t.Errorf("validity %q", v)
	}

	a = mode(&edgeapi.MutualAuth{Mode: edgeapi.MutualPassthrough})
	if h, err = ask(a, &bad); err != nil {
		t.Fatal(err)
	}
	chain := h.Get(prefix)
	if strings.Count(chain, "-----BEGIN%20CERTIFICATE-----%0A") != 2 || h.Get(prefix+"-Leaf") != "" {
		t.Errorf("%v", h)
	}
	if h, err = ask(a, nil); err != nil || h.Get(prefix) != "" {
		t.Errorf("without a certificate: %v %v", h, err)
	}
	if n := b.engine.Counters().LoadBalancers[0].ClientTLSErrors; n < 2 {
		t.Errorf("%d failed handshakes counted", n)
	}
}

// TestCertificateChange replaces certificates, policies and weights under load, on old connections and new ones.
func TestCertificateChange(t *testing.T) {
	_, target := echoTarget(t)
	b := newBench(t, target)
	a := secured(t, b, nil)
	var failed, done atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			c := a.client(t, b, i%2 == 1)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := c.Get(b.secureURL("/?size=1000"))
				if err != nil {
					failed.Add(1)
					t.Error(err)
					return
				}
				if k, err := io.Copy(io.Discard, resp.Body); err != nil || k != 1000 || resp.StatusCode != 200 {
					failed.Add(1)
				}
				resp.Body.Close()
				done.Add(1)
				if n%5 == 0 {
					c.CloseIdleConnections()
				}
			}
		})
	}
	serial := ""
	for i := range 20 {
		key := crypto.Signer(ecdsaKey(t))
		if i%2 == 0 {
			key = rsaKey()
		}
		next := a.issue(t, key, "lb.localhost", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(int64(1000 + i)) })
		serial = fmt.Sprint(1000 + i)
		b.apply(func(s *edgeapi.Snapshot) {
			s.Certificates = []edgeapi.Certificate{next}
			s.LoadBalancers[0].Listeners[0].TLS = &edgeapi.TLS{
				Policy: []string{"ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09"}[i/2%2], Certificates: []string{next.ARN},
			}
		})
		for before := done.Load(); done.Load() < before+5 && failed.Load() == 0; {
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	clients.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), done.Load())
	}
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port), a.config())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().PeerCertificates[0].SerialNumber.String(); got != serial {
		t.Errorf("certificate %s instead of %s", got, serial)
	}
}

// TestSecureIdle has connections that are cut while idle, and by shutdown, told so by a close_notify.
func TestSecureIdle(t *testing.T) {
	b := newBench(t)
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) {
		s.LoadBalancers[0].Attributes.IdleTimeout = 3 * time.Second // which the handshake may take too, on a busy machine
	})
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port), a.config())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("%d %v", n, err)
	}
	plain, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	plain.Write([]byte{22, 3, 1})
	if n, err := plain.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("a handshake that never ends: %d %v", n, err)
	}
}

// TestPlainRequest has a client that does not know that the port is one of HTTPS.
func TestPlainRequest(t *testing.T) {
	b := newBench(t)
	secured(t, b, nil)
	resp, err := http.Post(b.url(), "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 400 || !strings.Contains(string(body), "sent to HTTPS port") || err != nil {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
	if got := b.send("SSH-2.0-x\r\n"); got != nil {
		if line, err := got.ReadString('\n'); err == nil || strings.Contains(line, "HTTP") {
			t.Errorf("%q", line)
		}
	}
}

// TestPortScan has clients that only look whether the port is open, and one that gives up after the hello.
func TestPortScan(t *testing.T) {
	b := newBench(t)
	secured(t, b, nil)
	for range 3 {
		b.dial().Close()
	}
	c := b.dial()
	c.Write([]byte{22, 3, 1, 0, 5})
	c.Close()
	eventually(t, "all connections are over", func() bool {
		n := b.engine.Counters().LoadBalancers[0]
		return n.NewConnections == 4 && n.ClientTLSErrors > 0 && n.ActiveConnections == 0
	})
	if n := b.engine.Counters().LoadBalancers[0].ClientTLSErrors; n != 1 {
		t.Errorf("%d handshakes failed", n)
	}
}

// TestKeyUpdate has a client that changes keys and wants the same in return, before its request and while answers are on their way.
func TestKeyUpdate(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	_, target := echoTarget(t)
	b := newBench(t, target)
	secured(t, b, nil)
	cmd := exec.CommandContext(t.Context(), openssl, "s_client", "-connect", b.address(), "-servername", "lb.localhost")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers, r := 0, bufio.NewReader(out)
	read := func(until string) {
		t.Helper()
		for seen := ""; !strings.HasSuffix(seen, until); {
			o, err := r.ReadByte()
			if err != nil {
				t.Fatalf("after %d answers: %v: %s", answers, err, seen)
			}
			seen += string(o)
		}
	}
	read("CONNECTED(")
	for range 3 {
		io.WriteString(in, "K\n")
		read("KEYUPDATE\n")
		io.WriteString(in, "GET /?size=50000 HTTP/1.1\r\nHost: lb.localhost\r\n\r\n")
		read("HTTP/1.1 200 OK\r\n")
		read("\r\n\r\n")
		for range 50000 {
			r.ReadByte()
		}
		answers++
	}
	in.Close()
	cmd.Wait()
}

// TestClientGoneSecure has a client that says goodbye while its request is with the target.
func TestClientGoneSecure(t *testing.T) {
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(s.Close)
	b := newBench(t, targetAt(s.Listener.Addr()))
	a := secured(t, b, nil)
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.port), a.config())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for b.engine.Counters().TargetGroups[0].Active == 0 {
		time.Sleep(time.Millisecond)
	}
	conn.Close()
	<-gone
}

// TestSecureWebSocket has a tunnel with TLS on both sides, octets both ways at the same time, and its end passed on.
func TestSecureWebSocket(t *testing.T) {
	own := newAuthority(t).issue(t, ecdsaKey(t), "target", nil)
	pair, err := tls.X509KeyPair([]byte(own.Chain), []byte(own.Key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly")
		io.Copy(c, r)
		io.WriteString(c, "late")
		c.(*tls.Conn).CloseWrite()
	}()
	b := newBench(t, targetAt(l.Addr()))
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) { s.TargetGroups[0].Protocol = edgeapi.ProtocolHTTPS })
	c, err := tls.Dial("tcp", b.address(), a.config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(err, resp)
	}
	const size = 1 << 20
	go func() {
		io.CopyN(c, letters{}, size)
		c.CloseWrite()
	}()
	back, err := io.ReadAll(r)
	if err != nil || len(back) != len("early")+size+len("late") || !strings.HasPrefix(string(back), "earlyabc") || !strings.HasSuffix(string(back), "late") {
		t.Errorf("%d octets, %v", len(back), err)
	}
}
