package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/cert/certtest"
)

// certificate is what the tests read of ACM's.
type certificate struct{ Status, Serial string }

func (p *platform) certificate(arn string) certificate {
	p.t.Helper()
	var out struct{ Certificate certificate }
	p.json("acm", "DescribeCertificate", map[string]any{"CertificateArn": arn}, &out)
	return out.Certificate
}

func (p *platform) importCertificate(in map[string]any, pair certtest.Pair) string {
	p.t.Helper()
	in["Certificate"], in["PrivateKey"] = []byte(pair.Body()), []byte(pair.Key())
	var out struct{ CertificateArn string }
	p.json("acm", "ImportCertificate", in, &out)
	return out.CertificateArn
}

// handshake is the certificate a listener presents for a name.
func handshake(address, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: loadPatience}, "tcp", address, &tls.Config{ServerName: name, RootCAs: roots, InsecureSkipVerify: roots == nil})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// TestCertificates: certificates of ACM and IAM at an HTTPS listener, what keeps them from being deleted, others that take their place, and the
// root that outlives a reset.
func TestCertificates(t *testing.T) {
	p := beside(t, "--allow-reset")
	root := p.neargate("ca")
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(root)) || root != p.neargate("ca", "--data-dir", p.dir) {
		t.Fatalf("neargate ca: %s", root)
	}
	var requested struct{ CertificateArn string }
	p.json("acm", "RequestCertificate", map[string]any{"DomainName": "app.example.com", "ValidationMethod": "DNS"}, &requested)
	p.eventually(steadyIn, "certificate is issued", func() error {
		if s := p.certificate(requested.CertificateArn).Status; s != "ISSUED" {
			return errors.New(s)
		}
		return nil
	})
	imported := p.importCertificate(map[string]any{}, certtest.SelfSigned(t, "one.example.org"))

	w := p.build("10.9")
	group := w.group("web")
	w.admitAddresses(group, "0.0.0.0/0", 443)
	b := w.balancer("web", group)
	listener := p.elb("CreateListener", "LoadBalancerArn", b.arn, "Protocol", "HTTPS", "Port", "443", "Certificates.member.1.CertificateArn", requested.CertificateArn,
		"DefaultActions.member.1.Type", "fixed-response", "DefaultActions.member.1.FixedResponseConfig.StatusCode", "200").get("Listeners/member/ListenerArn")
	p.elb("AddListenerCertificates", "ListenerArn", listener, "Certificates.member.1.CertificateArn", imported)
	address := net.JoinHostPort(p.status().LoadBalancers[0].Public[0], "443")
	presents := func(what, name string, roots *x509.CertPool, wanted func(*x509.Certificate) bool) {
		t.Helper()
		p.eventually(steadyIn, what, func() error {
			leaf, err := handshake(address, name, roots)
			if err == nil && !wanted(leaf) {
				err = fmt.Errorf("%v is presented", leaf.Subject)
			}
			return err
		})
	}
	named := func(name string) func(*x509.Certificate) bool {
		return func(c *x509.Certificate) bool { return c.Subject.CommonName == name }
	}
	presents("the default certificate, which the root vouches for", "app.example.com", roots, named("app.example.com"))
	presents("the one for the name", "one.example.org", nil, named("one.example.org"))

	var refused *apiError
	if err := p.tryJSON("acm", "DeleteCertificate", map[string]any{"CertificateArn": imported}, nil); !errors.As(err, &refused) || !strings.Contains(refused.code, "ResourceInUse") {
		t.Errorf("delete in use: %v", err)
	}
	p.importCertificate(map[string]any{"CertificateArn": imported}, certtest.SelfSigned(t, "two.example.org"))
	presents("the reimported one", "two.example.org", nil, named("two.example.org"))
	before, err := handshake(address, "app.example.com", roots)
	if err != nil {
		t.Fatal(err)
	}
	p.json("acm", "RenewCertificate", map[string]any{"CertificateArn": requested.CertificateArn}, nil)
	presents("the renewed one", "app.example.com", roots, func(c *x509.Certificate) bool { return !c.Equal(before) })

	own := certtest.SelfSigned(t, "iam.example.org")
	server := p.must("iam", "UploadServerCertificate", "ServerCertificateName", "web", "CertificateBody", own.Body(), "PrivateKey", own.Key()).
		get("ServerCertificateMetadata/Arn")
	p.elb("ModifyListener", "ListenerArn", listener, "Certificates.member.1.CertificateArn", server)
	presents("IAM's", "iam.example.org", nil, func(c *x509.Certificate) bool { return c.Equal(own.Certificate) })
	if _, err := p.query("iam", "DeleteServerCertificate", "ServerCertificateName", "web"); !errors.As(err, &refused) || refused.code != "DeleteConflict" {
		t.Errorf("delete IAM's in use: %v", err)
	}

	res, err := http.Post(p.endpoint+"/_neargate/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if again := p.neargate("ca"); res.StatusCode != http.StatusOK || again != root {
		t.Errorf("reset: %s, and another root:\n%s", res.Status, again)
	}
}
