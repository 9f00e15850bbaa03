package elbv2_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// secure makes an HTTPS listener and returns its ARN.
func (d *desk) secure(t *testing.T, port int32, change func(in *elbv2api.CreateListenerInput)) (string, error) {
	t.Helper()
	in := &elbv2api.CreateListenerInput{
		LoadBalancerArn: &d.lb, Protocol: new("HTTPS"), Port: &port, Certificates: certificates(1), DefaultActions: d.forward(),
	}
	if change != nil {
		change(in)
	}
	out, err := d.CreateListener(d.ctx, in)
	if err != nil {
		return "", err
	}
	return *out.Listeners[0].ListenerArn, nil
}

func TestSecureListenerShape(t *testing.T) {
	d := newDesk(t)
	arn, err := d.secure(t, 443, nil)
	if err != nil {
		t.Fatal(err)
	}
	show := func() elbv2api.Listener {
		out := must(t)(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{arn}})).(*elbv2api.DescribeListenersOutput)
		l := out.Listeners[0]
		l.DefaultActions = nil
		return l
	}
	want := elbv2api.Listener{
		ListenerArn: &arn, LoadBalancerArn: &d.lb, Port: new(int32(443)), Protocol: new("HTTPS"), SslPolicy: new("ELBSecurityPolicy-2016-08"),
		Certificates: certificates(1), MutualAuthentication: &elbv2api.MutualAuthenticationAttributes{Mode: new("off")},
	}
	if diff := cmp.Diff(want, show()); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}

	must(t)(d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{
		ListenerArn: &arn, Certificates: certificates(2), SslPolicy: new("ELBSecurityPolicy-TLS13-1-2-2021-06"),
		MutualAuthentication: &elbv2api.MutualAuthenticationAttributes{Mode: new("passthrough")},
	}))
	want.Certificates, want.SslPolicy, want.MutualAuthentication.Mode = certificates(2), new("ELBSecurityPolicy-TLS13-1-2-2021-06"), new("passthrough")
	if diff := cmp.Diff(want, show()); diff != "" {
		t.Errorf("modified (-want +got):\n%s", diff)
	}

	must(t)(d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &arn, Protocol: new("HTTP"), Port: new(int32(8080))}))
	want = elbv2api.Listener{ListenerArn: &arn, LoadBalancerArn: &d.lb, Port: new(int32(8080)), Protocol: new("HTTP")}
	if diff := cmp.Diff(want, show()); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
	_, err = d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &arn, Protocol: new("HTTPS")})
	check(t, err, "ValidationError: A certificate must be specified for HTTPS listeners")
	must(t)(d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &arn, Protocol: new("HTTPS"), Certificates: certificates(3)}))
	if l := show(); *l.SslPolicy != "ELBSecurityPolicy-2016-08" || *l.MutualAuthentication.Mode != "off" {
		t.Errorf("secure again: %+v", l)
	}
}

func TestSecureListenerRefusals(t *testing.T) {
	d := newDesk(t)
	type in = elbv2api.CreateListenerInput
	mutual := func(m elbv2api.MutualAuthenticationAttributes) func(*in) {
		return func(in *in) { in.MutualAuthentication = &m }
	}
	store := new("arn:aws:elasticloadbalancing:us-east-1:123456789012:truststore/none/0123456789abcdef")
	for name, c := range map[string]struct {
		change func(in *in)
		want   string
	}{
		"not a certificate": {func(in *in) { in.Certificates = []elbv2api.Certificate{{CertificateArn: &d.lb}} }, "ValidationError: Certificate ARN '" + d.lb + "' is not valid"},
		"unknown": {func(in *in) {
			in.Certificates = []elbv2api.Certificate{{CertificateArn: new("arn:aws:acm:us-east-1:123456789012:certificate/x")}}
		}, "CertificateNotFound: Certificate 'arn:aws:acm:us-east-1:123456789012:certificate/x' not found"},
		"pending":       {func(in *in) { in.Certificates = certificates(10) }, "UnsupportedCertificate: The certificate '"},
		"two":           {func(in *in) { in.Certificates = certificates(1, 2) }, "ValidationError: You must specify exactly one certificate"},
		"policy":        {func(in *in) { in.SslPolicy = new("none") }, "SSLPolicyNotFound: "},
		"network's":     {func(in *in) { in.SslPolicy = new(networkOnly(t)) }, "ValidationError: SSL policy '" + networkOnly(t) + "' is not supported for load balancers with type 'application'"},
		"ALPN":          {func(in *in) { in.AlpnPolicy = []string{"None"} }, "ValidationError: An ALPN policy cannot be specified"},
		"mode":          {mutual(elbv2api.MutualAuthenticationAttributes{Mode: new("maybe")}), "ValidationError: Mutual Authentication mode 'maybe'"},
		"no store":      {mutual(elbv2api.MutualAuthenticationAttributes{Mode: new("verify")}), "ValidationError: Mutual Authentication mode verify requires a trust store"},
		"needless":      {mutual(elbv2api.MutualAuthenticationAttributes{Mode: new("passthrough"), TrustStoreArn: store}), "ValidationError: Mutual Authentication mode passthrough does not support trust store"},
		"unknown store": {mutual(elbv2api.MutualAuthenticationAttributes{Mode: new("verify"), TrustStoreArn: store}), "TrustStoreNotFound: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.secure(t, 443, c.change)
			check(t, err, c.want)
		})
	}
	d.plane.err = errString("TLS is not supported")
	_, err := d.secure(t, 443, nil)
	check(t, err, "NotImplemented: Neargate does not implement this yet: TLS is not supported")
	d.plane.err = nil
	if _, err := d.secure(t, 443, nil); err != nil {
		t.Errorf("what the data plane refused was committed: %v", err)
	}
}

// networkOnly is a security policy that Application Load Balancers do not have.
func networkOnly(t *testing.T) string {
	t.Helper()
	for _, p := range sslpolicy.All() {
		if p.NetworkOnly {
			return p.Name
		}
	}
	t.Skip("there is none")
	return ""
}

type errString string

func (e errString) Error() string { return string(e) }

func TestListenerCertificates(t *testing.T) {
	d := newDesk(t)
	arn, err := d.secure(t, 443, nil)
	if err != nil {
		t.Fatal(err)
	}
	add := func(numbers ...int) error {
		_, err := d.AddListenerCertificates(d.ctx, &elbv2api.AddListenerCertificatesInput{ListenerArn: &arn, Certificates: certificates(numbers...)})
		return err
	}
	remove := func(numbers ...int) error {
		_, err := d.RemoveListenerCertificates(d.ctx, &elbv2api.RemoveListenerCertificatesInput{ListenerArn: &arn, Certificates: certificates(numbers...)})
		return err
	}
	shown := func() map[string]bool {
		out := must(t)(d.DescribeListenerCertificates(d.ctx, &elbv2api.DescribeListenerCertificatesInput{ListenerArn: &arn})).(*elbv2api.DescribeListenerCertificatesOutput)
		list := map[string]bool{}
		for _, c := range out.Certificates {
			list[(*c.CertificateArn)[strings.LastIndex(*c.CertificateArn, "/")+1:]] = *c.IsDefault
		}
		return list
	}
	check(t, add(2, 3), "")
	check(t, add(3, 1), "") // they are there
	if diff := cmp.Diff(map[string]bool{"1": true, "2": false, "3": false}, shown()); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
	check(t, remove(1), "OperationNotPermitted: ")
	check(t, remove(2, 9), "")
	must(t)(d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &arn, Certificates: certificates(3)}))
	if diff := cmp.Diff(map[string]bool{"3": true}, shown()); diff != "" {
		t.Errorf("another default (-want +got):\n%s", diff)
	}
	if users := d.Balance.CertificateUsers(d.Store.View(), *certificates(3)[0].CertificateArn); len(users) != 1 || users[0] != d.lb {
		t.Errorf("users %v", users)
	}
	var many []int
	for i := range balance.MaxCertificates + 1 {
		many = append(many, 101+10*i)
	}
	check(t, add(many...), "TooManyCertificates: ")
	check(t, add(many[1:]...), "")
	_, err = d.AddListenerCertificates(d.ctx, &elbv2api.AddListenerCertificatesInput{ListenerArn: &d.listener, Certificates: certificates(2)})
	check(t, err, "OperationNotPermitted: ")
}

// authority is a root certificate and a list of what it has revoked, both in PEM.
func authority(t *testing.T, revoked int) (root, list string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clients"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	crl := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for i := range revoked {
		crl.RevokedCertificateEntries = append(crl.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(100 + i)), RevocationTime: time.Now()})
	}
	crlDER, err := x509.CreateRevocationList(rand.Reader, crl, template, key)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", der), encode("X509 CRL", crlDER)
}

func TestTrustStores(t *testing.T) {
	d := newDesk(t)
	root, crl := authority(t, 3)
	d.files["ca/bundle.pem"], d.files["ca/two.pem"], d.files["ca/crl.pem"], d.files["ca/junk"] = root, root+root, crl, "junk"
	create := func(name, key string) (*elbv2api.CreateTrustStoreOutput, error) {
		return d.CreateTrustStore(d.ctx, &elbv2api.CreateTrustStoreInput{
			Name: &name, CaCertificatesBundleS3Bucket: new("ca"), CaCertificatesBundleS3Key: &key, Tags: []elbv2api.Tag{{Key: new("a"), Value: new("b")}},
		})
	}
	for key, want := range map[string]string{"none": "CaCertificatesBundleNotFound: ", "junk": "InvalidCaCertificatesBundle: ", "crl.pem": "InvalidCaCertificatesBundle: "} {
		_, err := create("clients", key)
		check(t, err, want)
	}
	made, err := create("clients", "bundle.pem")
	if err != nil {
		t.Fatal(err)
	}
	arn := *made.TrustStores[0].TrustStoreArn
	_, err = create("clients", "bundle.pem")
	check(t, err, "DuplicateTrustStoreName: ")

	added := must(t)(d.AddTrustStoreRevocations(d.ctx, &elbv2api.AddTrustStoreRevocationsInput{TrustStoreArn: &arn, RevocationContents: []elbv2api.RevocationContent{{S3Bucket: new("ca"), S3Key: new("crl.pem")}}})).(*elbv2api.AddTrustStoreRevocationsOutput)
	if r := added.TrustStoreRevocations[0]; *r.RevocationId != 1 || *r.NumberOfRevokedEntries != 3 || *r.RevocationType != "CRL" {
		t.Errorf("revocation %+v", r)
	}
	for key, want := range map[string]string{"none": "RevocationContentNotFound: ", "junk": "InvalidRevocationContent: ", "bundle.pem": "InvalidRevocationContent: "} {
		_, err := d.AddTrustStoreRevocations(d.ctx, &elbv2api.AddTrustStoreRevocationsInput{TrustStoreArn: &arn, RevocationContents: []elbv2api.RevocationContent{{S3Bucket: new("ca"), S3Key: &key}}})
		check(t, err, want)
	}
	must(t)(d.ModifyTrustStore(d.ctx, &elbv2api.ModifyTrustStoreInput{TrustStoreArn: &arn, CaCertificatesBundleS3Bucket: new("ca"), CaCertificatesBundleS3Key: new("two.pem")}))
	out := must(t)(d.DescribeTrustStores(d.ctx, &elbv2api.DescribeTrustStoresInput{Names: []string{"clients"}})).(*elbv2api.DescribeTrustStoresOutput)
	want := []elbv2api.TrustStore{{Name: new("clients"), TrustStoreArn: &arn, Status: new("ACTIVE"), NumberOfCaCertificates: new(int32(2)), TotalRevokedEntries: new(int64(3))}}
	if diff := cmp.Diff(want, out.TrustStores); diff != "" {
		t.Errorf("trust store (-want +got):\n%s", diff)
	}
	bundle := must(t)(d.GetTrustStoreCaCertificatesBundle(d.ctx, &elbv2api.GetTrustStoreCaCertificatesBundleInput{TrustStoreArn: &arn})).(*elbv2api.GetTrustStoreCaCertificatesBundleOutput)
	if *bundle.Location != "http://s3.localhost/ca/two.pem?expires=600" {
		t.Errorf("bundle at %s", *bundle.Location)
	}
	list := must(t)(d.GetTrustStoreRevocationContent(d.ctx, &elbv2api.GetTrustStoreRevocationContentInput{TrustStoreArn: &arn, RevocationId: new(int64(1))})).(*elbv2api.GetTrustStoreRevocationContentOutput)
	if *list.Location != "http://s3.localhost/ca/crl.pem?expires=600" {
		t.Errorf("revocation list at %s", *list.Location)
	}

	verify := func(in *elbv2api.CreateListenerInput) {
		in.MutualAuthentication = &elbv2api.MutualAuthenticationAttributes{Mode: new("verify"), TrustStoreArn: &arn}
	}
	listener, err := d.secure(t, 443, verify)
	check(t, err, "")
	_, err = d.secure(t, 444, verify)
	check(t, err, "")
	_, err = d.secure(t, 445, verify)
	check(t, err, "InvalidConfigurationRequest: The maximum number of listeners with mutual authentication mode 'verify'")
	shown := must(t)(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{listener}})).(*elbv2api.DescribeListenersOutput)
	if diff := cmp.Diff(&elbv2api.MutualAuthenticationAttributes{
		Mode: new("verify"), TrustStoreArn: &arn, IgnoreClientCertificateExpiry: new(false), AdvertiseTrustStoreCaNames: new("off"), TrustStoreAssociationStatus: new("active"),
	}, shown.Listeners[0].MutualAuthentication); diff != "" {
		t.Errorf("mutual (-want +got):\n%s", diff)
	}
	users := must(t)(d.DescribeTrustStoreAssociations(d.ctx, &elbv2api.DescribeTrustStoreAssociationsInput{TrustStoreArn: &arn})).(*elbv2api.DescribeTrustStoreAssociationsOutput)
	if diff := cmp.Diff([]elbv2api.TrustStoreAssociation{{ResourceArn: &d.lb}}, users.TrustStoreAssociations); diff != "" {
		t.Errorf("associations (-want +got):\n%s", diff)
	}
	_, err = d.DeleteTrustStore(d.ctx, &elbv2api.DeleteTrustStoreInput{TrustStoreArn: &arn})
	check(t, err, "TrustStoreInUse: ")
	_, err = d.DeleteSharedTrustStoreAssociation(d.ctx, &elbv2api.DeleteSharedTrustStoreAssociationInput{TrustStoreArn: &arn, ResourceArn: &d.lb})
	check(t, err, "DeleteAssociationSameAccount: ")
	_, err = d.GetResourcePolicy(d.ctx, &elbv2api.GetResourcePolicyInput{ResourceArn: &arn})
	check(t, err, "ResourceNotFound: ")

	must(t)(d.DeleteLoadBalancer(d.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: &d.lb}))
	must(t)(d.RemoveTrustStoreRevocations(d.ctx, &elbv2api.RemoveTrustStoreRevocationsInput{TrustStoreArn: &arn, RevocationIds: []int64{1}}))
	_, err = d.RemoveTrustStoreRevocations(d.ctx, &elbv2api.RemoveTrustStoreRevocationsInput{TrustStoreArn: &arn, RevocationIds: []int64{1}})
	check(t, err, "RevocationIdNotFound: ")
	tags := must(t)(d.DescribeTags(d.ctx, &elbv2api.DescribeTagsInput{ResourceArns: []string{arn}})).(*elbv2api.DescribeTagsOutput)
	if len(tags.TagDescriptions[0].Tags) != 1 {
		t.Errorf("tags %+v", tags)
	}
	must(t)(d.DeleteTrustStore(d.ctx, &elbv2api.DeleteTrustStoreInput{TrustStoreArn: &arn}))
	_, err = d.DescribeTrustStores(d.ctx, &elbv2api.DescribeTrustStoresInput{TrustStoreArns: []string{arn}})
	check(t, err, "TrustStoreNotFound: ")
}

// TestTooManyRevocations: what a trust store cannot have is not read to its end.
func TestTooManyRevocations(t *testing.T) {
	d := newDesk(t)
	d.files["ca/bundle.pem"], _ = authority(t, 0)
	d.files["ca/large"] = strings.Repeat("x", 50<<20)
	made := must(t)(d.CreateTrustStore(d.ctx, &elbv2api.CreateTrustStoreInput{
		Name: new("clients"), CaCertificatesBundleS3Bucket: new("ca"), CaCertificatesBundleS3Key: new("bundle.pem"),
	})).(*elbv2api.CreateTrustStoreOutput)
	add := func(keys ...string) error {
		in := &elbv2api.AddTrustStoreRevocationsInput{TrustStoreArn: made.TrustStores[0].TrustStoreArn}
		for _, key := range keys {
			in.RevocationContents = append(in.RevocationContents, elbv2api.RevocationContent{S3Bucket: new("ca"), S3Key: &key})
		}
		_, err := d.AddTrustStoreRevocations(d.ctx, in)
		return err
	}
	// Whoever reads as far as the key that does not exist says that.
	check(t, add(slices.Repeat([]string{"none"}, balance.MaxRevocationLists)...), "RevocationContentNotFound: ")
	check(t, add(slices.Repeat([]string{"none"}, balance.MaxRevocationLists+1)...), "TooManyTrustStoreRevocationEntries: ")
	check(t, add("large", "large", "none"), "RevocationContentNotFound: ")
	check(t, add("large", "large", "large", "none"), "TooManyTrustStoreRevocationEntries: ")
}

func TestLogsNeedTheirBucket(t *testing.T) {
	d := newDesk(t)
	set := func(pairs ...string) error {
		in := &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &d.lb}
		for i := 0; i < len(pairs); i += 2 {
			in.Attributes = append(in.Attributes, elbv2api.LoadBalancerAttribute{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := d.ModifyLoadBalancerAttributes(d.ctx, in)
		return err
	}
	const on, bucket = "access_logs.s3.enabled", "access_logs.s3.bucket"
	check(t, set(on, "true", bucket, "theirs"), "InvalidConfigurationRequest: Access Denied for bucket: theirs. Please check S3bucket permission")
	check(t, set(bucket, "theirs"), "") // as long as nothing is written
	check(t, set(on, "true"), "InvalidConfigurationRequest: Access Denied for bucket: theirs.")
	check(t, set(on, "true", bucket, "our-logs"), "")
	check(t, set(bucket, "theirs"), "InvalidConfigurationRequest: Access Denied for bucket: theirs.")
	check(t, set("connection_logs.s3.enabled", "true", "connection_logs.s3.bucket", "our-logs", "connection_logs.s3.prefix", "web"), "")
}
