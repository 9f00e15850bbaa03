package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// curl as people call it, with the root that `neargate ca` prints.
func (f *fleet) curl() {
	t, program := f.t, client(f.t, "curl")
	upload := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(upload, bytes.Repeat([]byte("0123456789abcdef"), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	curl := func(args ...string) (body, version string) {
		t.Helper()
		out := f.run("", nil, program, append([]string{
			"-sS", "--fail", "--max-time", fmt.Sprint(loadPatience.Seconds()), "--cacert", f.bundle, "-w", "\n%{http_version}",
			"--resolve", appDomain + ":443:" + f.web.address, "--resolve", shopDomain + ":443:" + f.web.address,
		}, args...)...)
		i := strings.LastIndexByte(out, '\n')
		return out[:i], out[i+1:]
	}
	for _, c := range []struct {
		name, url, front, back string
		args                   []string
	}{
		{"HTTP/1.1", "https://" + appDomain + "/echo", "1.1", "HTTP/1.1", []string{"--http1.1"}},
		{"HTTP/2", "https://" + appDomain + "/echo", "2", "HTTP/1.1", []string{"--http2"}},
		{"another certificate", "https://" + shopDomain + "/echo", "2", "HTTP/1.1", []string{"--http2"}},
		{"by its own name at this machine", "https://" + f.web.dns + "/echo", "2", "HTTP/1.1", []string{"--http2"}},
	} {
		body, version := curl(append(c.args, c.url)...)
		s := f.echoed(body)
		h := s.Header
		if version != c.front || s.Protocol != c.back || h.Get("X-Forwarded-Proto") != "https" || h.Get("X-Forwarded-Port") != "443" ||
			h.Get("X-Forwarded-For") != f.host.String() || !strings.HasPrefix(h.Get("X-Amzn-Trace-Id"), "Root=1-") {
			t.Errorf("%s: %s in front, %+v", c.name, version, s)
		}
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		body, _ := curl(version, "--data-binary", "@"+upload, "https://"+appDomain+"/length")
		if strings.TrimSpace(body) != fmt.Sprint(1<<20) {
			t.Errorf("%s: an upload of 1 MiB arrives as %q", version, body)
		}
	}
	if body, version := curl("--http2", "https://"+appDomain+"/two"); version != "2" || f.echoed(body).Protocol != "HTTP/2.0" {
		t.Errorf("a target group of HTTP/2 is spoken to with %s", body)
	}
	for path, protocol := range map[string]string{"/sealed": "HTTP/1.1", "/resealed": "HTTP/2.0"} {
		if body, _ := curl("--http2", "https://"+appDomain+path); !f.echoed(body).TLS || f.echoed(body).Protocol != protocol {
			t.Errorf("a target group of HTTPS is spoken to with %s", body)
		}
	}
	// The Network Load Balancer ends TLS and begins it anew towards its targets; by ALPN the client speaks HTTP/2 with the target.
	body, version := curl("--http2", "--resolve", appDomain+":7444:"+f.flows.address, "https://"+appDomain+":7444/echo")
	if s := f.echoed(body); version != "2" || !s.TLS || s.Protocol != "HTTP/2.0" || s.Header.Get("X-Forwarded-For") != "" {
		t.Errorf("through a Network Load Balancer's TLS listener: %s %s", version, body)
	}
	// Without the root nobody is to trust it.
	if out, err := f.runs("", nil, program, "-sS", "--resolve", appDomain+":443:"+f.web.address, "https://"+appDomain+"/"); err == nil || !strings.Contains(err.Error(), "SSL certificate problem") {
		t.Errorf("without the root: %q %v", out, err)
	}
}

// openssl shows what the security policy lets through and which certificate a name gets.
func (f *fleet) openssl() {
	t, program := f.t, client(f.t, "openssl")
	connect := func(address, name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, append([]string{
			"s_client", "-connect", address, "-servername", name, "-verify_hostname", name, "-CAfile", f.bundle, "-verify_return_error", "-brief",
		}, args...)...)
		out, err := cmd.CombinedOutput() // its input is empty: it leaves after the handshake
		return string(out), err
	}
	alb, nlb := net.JoinHostPort(f.web.address, "443"), net.JoinHostPort(f.flows.address, "7443")
	for _, c := range []struct {
		what, address, name string
		args                []string
		want                []string
	}{
		{"TLS 1.3", alb, appDomain, []string{"-tls1_3"}, []string{"TLSv1.3", "CN = " + appDomain, "Verification: OK"}},
		{"TLS 1.2", alb, appDomain, []string{"-tls1_2"}, []string{"TLSv1.2", "CN = " + appDomain, "ECDHE-"}},
		{"the other certificate", alb, shopDomain, nil, []string{"CN = " + shopDomain}},
		{"its own name", alb, f.web.dns, nil, []string{"CN = " + f.web.dns}},
		{"network load balancer", nlb, appDomain, nil, []string{"TLSv1.3", "CN = " + appDomain, "Verification: OK"}},
	} {
		out, err := connect(c.address, c.name, c.args...)
		for _, w := range c.want {
			if err != nil || !strings.Contains(out, w) {
				t.Errorf("%s: no %q: %v\n%s", c.what, w, err, out)
			}
		}
	}
	for _, address := range []string{alb, nlb} {
		// The level lets the client offer what it would refuse by itself.
		out, err := connect(address, appDomain, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
		if err == nil || !strings.Contains(out, "alert protocol version") {
			t.Errorf("TLS 1.1 at %s: %v\n%s", address, err, out)
		}
	}
	if out, err := connect(alb, "else.example.com"); err == nil || !strings.Contains(out, "mismatch") {
		t.Errorf("a name without certificate gets the default one: %v\n%s", err, out)
	}
}

// h2load sends requests over many streams, to one target group and weighed over the rules.
func (f *fleet) h2load() {
	t, program := f.t, client(f.t, "h2load")
	const n = 2000
	out := f.run("", nil, program, "-n", fmt.Sprint(n), "-c", "8", "-m", "10", "--connect-to="+net.JoinHostPort(f.web.address, "443"), "https://"+appDomain+"/")
	want := fmt.Sprintf("%d succeeded, 0 failed, 0 errored, 0 timeout", n)
	if !strings.Contains(out, want) || !regexp.MustCompile(fmt.Sprintf(`status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx`, n)).MatchString(out) {
		t.Errorf("not %q:\n%s", want, out)
	}
	if !strings.Contains(out, "Application protocol: h2") || !strings.Contains(out, "TLSv1.3") {
		t.Error(out)
	}
}

// trailers pass from targets to clients of both protocols.
func (f *fleet) trailers() {
	for _, protocol := range []string{"http/1.1", "h2"} {
		c := &http.Client{Transport: f.transport(protocol), Timeout: loadPatience}
		res, err := c.Get("https://" + appDomain + "/trailers")
		if err != nil {
			f.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "body\n" || res.Trailer.Get("X-Sum") != "42" {
			f.t.Errorf("%s: %q, trailers %v, %v", protocol, body, res.Trailer, err)
		}
		c.CloseIdleConnections()
	}
}

// secured is what a target says, within a while, to a connection to the network load balancer's TLS listener.
func (f *fleet) secured(limit time.Duration) (string, error) {
	d := &net.Dialer{Timeout: limit}
	c, err := tls.DialWithDialer(d, "tcp", net.JoinHostPort(f.flows.address, "7443"), &tls.Config{RootCAs: f.roots, ServerName: appDomain})
	if err != nil {
		return "", err
	}
	defer c.Close()
	return lineOf(c, limit)
}
