package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestFront takes examples/https-front from nothing to nothing with the AWS provider: TLS with a certificate of the platform's
// own authority, redirect, five rules, weights and stickiness, and a Network Load Balancer in front of it all.
func TestFront(t *testing.T) {
	p := beside(t)
	s := p.stack("https-front")
	s.run("apply", "-auto-approve", "-target=aws_ecr_repository.app")
	push(t, p, s.output("repository_url"), "v1")
	s.run("apply", "-auto-approve")
	s.run("plan", "-detailed-exitcode")

	f := &front{platform: p, domain: s.output("domain"), roots: x509.NewCertPool()}
	if !f.roots.AppendCertsFromPEM([]byte(p.neargate("ca"))) {
		t.Fatal("neargate ca prints no certificate")
	}
	for _, lb := range p.status().LoadBalancers {
		switch lb.DNSName {
		case s.output("alb"):
			f.alb = lb.Public[0]
		case s.output("nlb"):
			f.nlb = lb.Public[0]
		}
	}
	if f.alb == "" || f.nlb == "" || !strings.Contains(s.output("nlb"), ".elb.") {
		t.Fatalf("status: %+v", p.status().LoadBalancers)
	}
	// The load balancer behind the other one is probed by HTTPS. Terraform does not wait for that.
	w := &world{platform: p}
	w.healthy(w.elb("DescribeTargetGroups", "Names.member.1", "shop-alb").get("TargetGroups/member/TargetGroupArn"), 1)
	t.Run("rules", func(t *testing.T) { f.in(t).rules() })
	t.Run("stickiness", func(t *testing.T) { f.in(t).stickiness() })
	t.Run("weights", func(t *testing.T) {
		l := newLoadOver(t, "https://"+f.domain+"/api/health", f.domain, func() *http.Transport { return f.transport(f.alb) })
		through := newLoadOver(t, "https://"+f.domain+"/", f.domain, func() *http.Transport { return f.transport(f.nlb) })
		s.run("apply", "-auto-approve", "-var=green=50")
		s.run("plan", "-detailed-exitcode", "-var=green=50")
		l.check(t)
		through.check(t)
	})
	s.run("destroy", "-auto-approve")
	p.workloadGone("destroy")
}

// front is the load balancers of the example as a client sees them.
type front struct {
	*platform
	domain   string
	alb, nlb string // addresses
	roots    *x509.CertPool
}

func (f *front) in(t *testing.T) *front {
	p, c := *f.platform, *f
	p.t, c.platform = t, &p
	return &c
}

// transport leads every name to one address.
func (f *front) transport(address string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(to)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(address, port))
		},
		TLSClientConfig:   &tls.Config{RootCAs: f.roots},
		ForceAttemptHTTP2: true,
	}
}

func (f *front) client(address string) *http.Client {
	return &http.Client{
		Transport: f.transport(address), Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (f *front) rules() {
	t := f.t
	for _, c := range []struct {
		name, method, url, header, address string
		status                             int
		location, body                     string
	}{
		{name: "redirect to HTTPS", url: "http://" + f.domain + "/a?b=c", status: 301, location: "https://" + f.domain + ":443/a?b=c"},
		{name: "default", url: "https://" + f.domain + "/", status: 200, body: "version v1\n"},
		{name: "header", url: "https://" + f.domain + "/", header: "v2.1", status: 200, body: "version v2\n"},
		{name: "host", url: "https://admin." + f.domain + "/", status: 403, body: "not from here"},
		{name: "query", url: "https://" + f.domain + "/x?page=old-1", status: 302, location: "https://www." + f.domain + ":443/archive/x?page=old-1&from=shop"},
		{name: "method", method: "DELETE", url: "https://" + f.domain + "/", status: 405, body: `{"error":"read only"}`},
		{name: "path", url: "https://" + f.domain + "/api/health", status: 200},
		{name: "through the network load balancer", address: f.nlb, url: "https://" + f.domain + "/", status: 200, body: "version v1\n"},
	} {
		address := f.alb
		if c.address != "" {
			address = c.address
		}
		req, err := http.NewRequest(c.method, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			req.Header.Set("X-Preview", c.header)
		}
		res, err := f.client(address).Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != c.status || res.Header.Get("Location") != c.location || !strings.HasPrefix(string(body), c.body) || err != nil {
			t.Errorf("%s: %d %q %q %v", c.name, res.StatusCode, res.Header.Get("Location"), body, err)
		}
		if secure := strings.HasPrefix(c.url, "https:"); secure != (res.TLS != nil && res.ProtoMajor == 2) {
			t.Errorf("%s: %s, TLS %v", c.name, res.Proto, res.TLS != nil)
		}
	}
}

// stickiness: a client that keeps cookies stays with its target, one that does not meets both.
func (f *front) stickiness() {
	t := f.t
	target := func(c *http.Client) string {
		res, err := c.Get("https://" + f.domain + "/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		_, host, _ := strings.Cut(string(body), "hostname ")
		host, _, _ = strings.Cut(host, "\n")
		return host
	}
	seen := map[string]int{}
	loose := f.client(f.alb)
	for range 10 {
		seen[target(loose)]++
	}
	if len(seen) != 2 {
		t.Errorf("without cookies: %v", seen)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	sticky := f.client(f.alb)
	sticky.Jar = jar
	first := target(sticky)
	for range 20 {
		if next := target(sticky); next != first {
			t.Fatalf("%s after %s", next, first)
		}
	}
	names := map[string]bool{}
	for _, c := range jar.Cookies(&url.URL{Scheme: "https", Host: f.domain, Path: "/"}) {
		names[c.Name] = true
	}
	if fmt.Sprint(names) != "map[AWSALB:true AWSALBCORS:true]" {
		t.Error(names)
	}
}
