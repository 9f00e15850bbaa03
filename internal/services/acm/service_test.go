package acm

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/cert/certtest"
	"github.com/neargate/neargate/internal/state"
)

const account = "123456789012"

// desk is the front over an engine that runs.
type desk struct {
	*Service
	t     *testing.T
	users certtest.Users
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	schema := state.NewSchema()
	tables, tokens := cert.NewTables(schema), idem.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	users := certtest.Users{}
	return &desk{New(store, certtest.Engine(t, store, tables, users), tokens), t, users}
}

// as is a call of now.
func (d *desk) as(operation string) context.Context {
	return aws.With(d.t.Context(), &aws.Call{Account: account, Region: "us-east-1", Service: "acm", Operation: operation, Now: time.Now()})
}

func (d *desk) request(in *acmapi.RequestCertificateInput) *string {
	d.t.Helper()
	out, err := d.RequestCertificate(d.as("RequestCertificate"), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return out.CertificateArn
}

func (d *desk) describe(arn *string) *acmapi.CertificateDetail {
	d.t.Helper()
	out, err := d.DescribeCertificate(d.as("DescribeCertificate"), &acmapi.DescribeCertificateInput{CertificateArn: arn})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Certificate
}

func (d *desk) bring(p certtest.Pair) *string {
	d.t.Helper()
	out, err := d.ImportCertificate(d.as("ImportCertificate"), &acmapi.ImportCertificateInput{Certificate: []byte(p.Body()), PrivateKey: []byte(p.Key())})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.CertificateArn
}

func (d *desk) list(in *acmapi.ListCertificatesInput) []string {
	d.t.Helper()
	out, err := d.ListCertificates(d.as("ListCertificates"), in)
	if err != nil {
		d.t.Fatal(err)
	}
	var domains []string
	for _, c := range out.CertificateSummaryList {
		domains = append(domains, *c.DomainName)
	}
	return domains
}

// settled waits until what was requested is issued.
func settled() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

func code(err error) string {
	var e *awserr.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// bubble runs a test in which time costs nothing.
func bubble(t *testing.T, fn func(t *testing.T, d *desk)) {
	synctest.Test(t, func(t *testing.T) { fn(t, newDesk(t)) })
}

func TestRequestToIssued(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.request(&acmapi.RequestCertificateInput{
			DomainName: new("example.com"), SubjectAlternativeNames: []string{"*.example.com", "example.com"}, ValidationMethod: new("DNS"),
			Tags: []acmapi.Tag{{Key: new("a"), Value: new("1")}},
		})
		pending := d.describe(arn)
		name, value := cert.Record(account, "example.com")
		record := &acmapi.ResourceRecord{Name: &name, Type: new("CNAME"), Value: &value}
		validation := func(domain, status string) acmapi.DomainValidation {
			return acmapi.DomainValidation{DomainName: &domain, ValidationDomain: &domain, ValidationMethod: new("DNS"), ValidationStatus: &status, ResourceRecord: record}
		}
		want := &acmapi.CertificateDetail{
			CertificateArn: arn, DomainName: new("example.com"), SubjectAlternativeNames: []string{"example.com", "*.example.com"},
			DomainValidationOptions: []acmapi.DomainValidation{validation("example.com", "PENDING_VALIDATION"), validation("*.example.com", "PENDING_VALIDATION")},
			Subject:                 new("CN=example.com"), CreatedAt: pending.CreatedAt, Status: new("PENDING_VALIDATION"), KeyAlgorithm: new("RSA-2048"), InUseBy: []string{},
			Type: new("AMAZON_ISSUED"), KeyUsages: []acmapi.KeyUsage{}, ExtendedKeyUsages: []acmapi.ExtendedKeyUsage{}, RenewalEligibility: new("INELIGIBLE"),
			Options: &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: new("ENABLED"), Export: new("DISABLED")},
		}
		if diff := cmp.Diff(want, pending); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
		_, err := d.GetCertificate(d.as("GetCertificate"), &acmapi.GetCertificateInput{CertificateArn: arn})
		if code(err) != "RequestInProgressException" {
			t.Errorf("content of a pending certificate: %v", err)
		}

		settled()
		d.users[*arn] = []string{"lb"}
		got := d.describe(arn)
		want.DomainValidationOptions = []acmapi.DomainValidation{validation("example.com", "SUCCESS"), validation("*.example.com", "SUCCESS")}
		want.Status, want.RenewalEligibility, want.InUseBy = new("ISSUED"), new("ELIGIBLE"), []string{"lb"}
		want.Issuer, want.SignatureAlgorithm = new("Neargate"), new("SHA256WITHECDSA")
		want.KeyUsages = []acmapi.KeyUsage{{Name: new("DIGITAL_SIGNATURE")}, {Name: new("KEY_ENCIPHERMENT")}}
		want.ExtendedKeyUsages = []acmapi.ExtendedKeyUsage{{Name: new("TLS_WEB_SERVER_AUTHENTICATION"), OID: new("1.3.6.1.5.5.7.3.1")}}
		want.Serial, want.IssuedAt, want.NotBefore, want.NotAfter = got.Serial, got.IssuedAt, got.NotBefore, got.NotAfter
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("issued (-want +got):\n%s", diff)
		}
		if got.Serial == nil || got.IssuedAt == nil || got.NotBefore == nil || got.NotAfter == nil {
			t.Errorf("something is missing: %+v", got)
		}
		content, err := d.GetCertificate(d.as("GetCertificate"), &acmapi.GetCertificateInput{CertificateArn: arn})
		if err != nil || !strings.HasPrefix(*content.Certificate, "-----BEGIN CERTIFICATE-----\n") || strings.Count(*content.CertificateChain, "BEGIN") != 1 {
			t.Errorf("content: %v %v", err, content)
		}
		chain, key, ok := d.engine.KeyPair(d.store.View(), *arn)
		if _, err := tls.X509KeyPair([]byte(chain), []byte(key)); !ok || err != nil {
			t.Errorf("cannot be presented: %v", err)
		}
	})
}

func TestRequestRefused(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		long := strings.Repeat("a", 60) + ".example.com"
		for _, c := range []struct {
			name   string
			change func(*acmapi.RequestCertificateInput)
			want   string
		}{
			{"plain", func(*acmapi.RequestCertificateInput) {}, ""},
			{"superdomain", func(in *acmapi.RequestCertificateInput) {
				in.DomainValidationOptions = []acmapi.DomainValidationOption{{DomainName: new("www.example.com"), ValidationDomain: new("example.com")}}
			}, ""},
			{"long alternative name", func(in *acmapi.RequestCertificateInput) { in.SubjectAlternativeNames = []string{long} }, ""},
			{"long first name", func(in *acmapi.RequestCertificateInput) { in.DomainName = &long }, "InvalidDomainValidationOptionsException"},
			{"other domain", func(in *acmapi.RequestCertificateInput) {
				in.DomainValidationOptions = []acmapi.DomainValidationOption{{DomainName: new("www.example.com"), ValidationDomain: new("example.org")}}
			}, "InvalidDomainValidationOptionsException"},
			{"other name", func(in *acmapi.RequestCertificateInput) {
				in.DomainValidationOptions = []acmapi.DomainValidationOption{{DomainName: new("a.example.com"), ValidationDomain: new("example.com")}}
			}, "InvalidDomainValidationOptionsException"},
			{"large key", func(in *acmapi.RequestCertificateInput) { in.KeyAlgorithm = new("RSA_4096") }, "ValidationException"},
			{"private authority", func(in *acmapi.RequestCertificateInput) { in.CertificateAuthorityArn = new("arn") }, "NotImplemented"},
			{"CloudFront", func(in *acmapi.RequestCertificateInput) { in.ManagedBy = new("CLOUDFRONT") }, "NotImplemented"},
			{"HTTP", func(in *acmapi.RequestCertificateInput) { in.ValidationMethod = new("HTTP") }, "NotImplemented"},
			{"reserved tag", func(in *acmapi.RequestCertificateInput) { in.Tags = []acmapi.Tag{{Key: new("aws:a")}} }, "InvalidTagException"},
		} {
			in := &acmapi.RequestCertificateInput{DomainName: new("www.example.com"), KeyAlgorithm: new("EC_prime256v1")}
			c.change(in)
			if _, err := d.RequestCertificate(d.as("RequestCertificate"), in); code(err) != c.want {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		}
	})
}

// TestNames has the names that the API's model refuses, wherever in a request they are.
func TestNames(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		g := gateway.Handler(gateway.Config{Account: account}, d)
		request := func(domain string, further []string, validation ...acmapi.DomainValidationOption) error {
			_, err := g.Invoke(d.as("RequestCertificate"), "acm", "RequestCertificate", &acmapi.RequestCertificateInput{
				DomainName: &domain, SubjectAlternativeNames: further, DomainValidationOptions: validation, KeyAlgorithm: new("EC_prime256v1"),
			})
			return err
		}
		if err := request("*.example.com", []string{"a.de", "xn--mnchen-3ya.de"}); err != nil {
			t.Error(err)
		}
		const says = "failed to satisfy constraint: Member must satisfy "
		for _, name := range []string{
			"*.*.example.com", "a b.de", " ", "*", "a.*.com", "a..b", "-a..b", "localhost", "x_y.de", "shop.example.com.", "a\x00.de", "münchen.de",
		} {
			for where, err := range map[string]error{
				"Value '" + name + "' at 'domainName' " + says + "regular expression pattern: (": request(name, nil),
				"Value '[" + name + "]' at 'subjectAlternativeNames' " + says + "constraint: [":  request("example.com", []string{name}),
				"at 'domainValidationOptions.1.member.validationDomain' " + says: request("example.com", nil,
					acmapi.DomainValidationOption{DomainName: new("example.com"), ValidationDomain: &name}),
			} {
				if code(err) != "ValidationException" || !strings.Contains(err.Error(), where) {
					t.Errorf("%q: %v, want %s", name, err, where)
				}
			}
		}
	})
}

// TestFailed has a name from before names were checked.
func TestFailed(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.request(&acmapi.RequestCertificateInput{DomainName: new("münchen.de"), KeyAlgorithm: new("RSA_2048")})
		settled()
		got := d.describe(arn)
		if *got.Status != "FAILED" || got.FailureReason == nil || *got.FailureReason != "INVALID_PUBLIC_DOMAIN" || *got.DomainValidationOptions[0].ValidationStatus != "FAILED" {
			t.Errorf("%+v", got)
		}
		if list := d.list(&acmapi.ListCertificatesInput{CertificateStatuses: []string{"FAILED"}}); len(list) != 1 {
			t.Errorf("failed are %v", list)
		}
		_, get := d.GetCertificate(d.as("GetCertificate"), &acmapi.GetCertificateInput{CertificateArn: arn})
		_, renew := d.RenewCertificate(d.as("RenewCertificate"), &acmapi.RenewCertificateInput{CertificateArn: arn})
		_, resend := d.ResendValidationEmail(d.as("ResendValidationEmail"), &acmapi.ResendValidationEmailInput{
			CertificateArn: arn, Domain: new("münchen.de"), ValidationDomain: new("münchen.de"),
		})
		if code(get) != "ResourceNotFoundException" || code(renew) != "ValidationException" || code(resend) != "InvalidStateException" {
			t.Errorf("content: %v\nrenewal: %v\nmail: %v", get, renew, resend)
		}
	})
}

func TestIdempotency(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		in := func(domain string) *acmapi.RequestCertificateInput {
			return &acmapi.RequestCertificateInput{DomainName: &domain, IdempotencyToken: new("once"), KeyAlgorithm: new("EC_prime256v1")}
		}
		first := d.request(in("example.com"))
		if again := d.request(in("example.com")); *again != *first {
			t.Error("another certificate for the same token")
		}
		if _, err := d.RequestCertificate(d.as("RequestCertificate"), in("example.org")); code(err) != "InvalidParameterException" {
			t.Errorf("token with other parameters: %v", err)
		}
		time.Sleep(tokenLife + time.Second)
		if later := d.request(in("example.com")); *later == *first {
			t.Error("the token is still known after an hour")
		}
	})
}

func TestEmail(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.request(&acmapi.RequestCertificateInput{
			DomainName: new("www.example.com"), SubjectAlternativeNames: []string{"*.example.org"}, KeyAlgorithm: new("EC_secp384r1"),
			DomainValidationOptions: []acmapi.DomainValidationOption{{DomainName: new("www.example.com"), ValidationDomain: new("example.com")}},
		})
		got := d.describe(arn)
		if *got.KeyAlgorithm != "EC-secp384r1" {
			t.Errorf("key algorithm %s", *got.KeyAlgorithm)
		}
		for i, domain := range []string{"example.com", "example.org"} {
			v := got.DomainValidationOptions[i]
			if *v.ValidationMethod != "EMAIL" || *v.ValidationDomain != domain || len(v.ValidationEmails) != 5 || v.ValidationEmails[4] != "admin@"+domain || v.ResourceRecord != nil {
				t.Errorf("validation %+v", v)
			}
		}
		resend := func(domain, validation string) string {
			_, err := d.ResendValidationEmail(d.as("ResendValidationEmail"), &acmapi.ResendValidationEmailInput{CertificateArn: arn, Domain: &domain, ValidationDomain: &validation})
			return code(err)
		}
		if got := resend("a.example.com", "example.com"); got != "InvalidDomainValidationOptionsException" {
			t.Errorf("mail about another name: %s", got)
		}
		if got := resend("www.example.com", "ample.com"); got != "InvalidDomainValidationOptionsException" {
			t.Errorf("mail to another domain: %s", got)
		}
		if got := resend("www.example.com", "example.com"); got != "" {
			t.Errorf("mail: %s", got)
		}
		synctest.Wait()
		if got := d.describe(arn); *got.Status != "ISSUED" {
			t.Errorf("%s after approval", *got.Status)
		}
		if got := resend("www.example.com", "example.com"); got != "InvalidStateException" {
			t.Errorf("mail about an issued certificate: %s", got)
		}
	})
}

func TestImport(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		one, two := certtest.SelfSigned(t, "www.example.com"), certtest.SelfSigned(t, "api.example.com")
		arn := d.bring(one)
		got := d.describe(arn)
		if *got.Type != "IMPORTED" || *got.Status != "ISSUED" || got.ImportedAt == nil || got.IssuedAt != nil || got.DomainValidationOptions != nil ||
			got.RenewalSummary != nil || *got.RenewalEligibility != "INELIGIBLE" || *got.KeyUsages[0].Name != "ANY" || *got.ExtendedKeyUsages[0].Name != "NONE" {
			t.Errorf("imported: %+v", got)
		}
		for _, c := range []struct {
			name string
			in   acmapi.ImportCertificateInput
			want string
		}{
			{"again", acmapi.ImportCertificateInput{CertificateArn: arn, Certificate: []byte(two.Body()), PrivateKey: []byte(two.Key())}, ""},
			{"with tags", acmapi.ImportCertificateInput{CertificateArn: arn, Certificate: []byte(two.Body()), PrivateKey: []byte(two.Key()), Tags: []acmapi.Tag{{Key: new("a")}}}, "ValidationException"},
			{"unknown", acmapi.ImportCertificateInput{CertificateArn: new(*arn + "0"), Certificate: []byte(two.Body()), PrivateKey: []byte(two.Key())}, "ResourceNotFoundException"},
			{"another's key", acmapi.ImportCertificateInput{Certificate: []byte(two.Body()), PrivateKey: []byte(one.Key())}, "ValidationException"},
		} {
			if _, err := d.ImportCertificate(d.as("ImportCertificate"), &c.in); code(err) != c.want {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		}
		if got := d.describe(arn); *got.DomainName != "api.example.com" {
			t.Errorf("reimported: %s", *got.DomainName)
		}
		if chain, _, _ := d.engine.KeyPair(d.store.View(), *arn); chain != two.Body() {
			t.Error("load balancers would present the old certificate")
		}
		requested := d.request(&acmapi.RequestCertificateInput{DomainName: new("example.com"), KeyAlgorithm: new("EC_prime256v1")})
		if _, err := d.ImportCertificate(d.as("ImportCertificate"), &acmapi.ImportCertificateInput{CertificateArn: requested, Certificate: []byte(two.Body()), PrivateKey: []byte(two.Key())}); code(err) != "ValidationException" {
			t.Errorf("over a requested one: %v", err)
		}
		time.Sleep(2 * time.Hour)
		if got := d.describe(arn); *got.Status != "EXPIRED" {
			t.Errorf("%s after its end", *got.Status)
		}
	})
}

func TestDelete(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.bring(certtest.SelfSigned(t, "www.example.com"))
		remove := func() error {
			_, err := d.DeleteCertificate(d.as("DeleteCertificate"), &acmapi.DeleteCertificateInput{CertificateArn: arn})
			return err
		}
		d.users[*arn] = []string{"lb"}
		if err := remove(); code(err) != "ResourceInUseException" || !strings.HasSuffix(err.Error(), " in account "+account+" is in use.") {
			t.Errorf("in use: %v", err)
		}
		delete(d.users, *arn)
		if err := remove(); err != nil {
			t.Error(err)
		}
		if err := remove(); code(err) != "ResourceNotFoundException" {
			t.Errorf("again: %v", err)
		}
		if _, err := d.DescribeCertificate(d.as("DescribeCertificate"), &acmapi.DescribeCertificateInput{CertificateArn: new("arn:aws:acm:us-east-1:1:thing/a")}); code(err) != "InvalidArnException" {
			t.Errorf("other ARN: %v", err)
		}
	})
}

func TestExportAndRenew(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.request(&acmapi.RequestCertificateInput{
			DomainName: new("example.com"), KeyAlgorithm: new("EC_prime256v1"), Options: &acmapi.CertificateOptions{Export: new("ENABLED")},
		})
		export := func(arn *string, passphrase string) (*acmapi.ExportCertificateOutput, string) {
			out, err := d.ExportCertificate(d.as("ExportCertificate"), &acmapi.ExportCertificateInput{CertificateArn: arn, Passphrase: []byte(passphrase)})
			return out, code(err)
		}
		renew := func() string {
			_, err := d.RenewCertificate(d.as("RenewCertificate"), &acmapi.RenewCertificateInput{CertificateArn: arn})
			return code(err)
		}
		if _, got := export(arn, "secret"); got != "RequestInProgressException" {
			t.Errorf("pending: %s", got)
		}
		settled()
		if got := renew(); got != "ValidationException" {
			t.Errorf("renewal of what nobody uses: %s", got)
		}
		if _, got := export(arn, "cost$"); got != "ValidationException" {
			t.Errorf("passphrase: %s", got)
		}
		if _, got := export(d.bring(certtest.SelfSigned(t, "www.example.com")), "secret"); got != "ValidationException" {
			t.Errorf("imported: %s", got)
		}
		out, got := export(arn, "secret")
		if got != "" || !strings.HasPrefix(*out.PrivateKey, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n") {
			t.Errorf("%s: %v", got, out)
		}
		if d := d.describe(arn); *d.RenewalEligibility != "ELIGIBLE" {
			t.Errorf("an exported certificate is %s", *d.RenewalEligibility)
		}
		before := d.describe(arn)
		if got := renew(); got != "" {
			t.Errorf("renewal: %s", got)
		}
		if got := renew(); got != "RequestInProgressException" {
			t.Errorf("renewal at once again: %s", got)
		}
		if d := d.describe(arn); *d.RenewalSummary.RenewalStatus != "PENDING_AUTO_RENEWAL" {
			t.Errorf("renewal is %s", *d.RenewalSummary.RenewalStatus)
		}
		settled()
		after := d.describe(arn)
		if *after.RenewalSummary.RenewalStatus != "SUCCESS" || *after.Serial == *before.Serial || *after.RenewalEligibility != "INELIGIBLE" {
			t.Errorf("after renewal: %+v", after)
		}
	})
}

func TestOptions(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.request(&acmapi.RequestCertificateInput{DomainName: new("example.com"), KeyAlgorithm: new("EC_prime256v1")})
		update := func(arn *string, o acmapi.CertificateOptions) string {
			_, err := d.UpdateCertificateOptions(d.as("UpdateCertificateOptions"), &acmapi.UpdateCertificateOptionsInput{CertificateArn: arn, Options: &o})
			return code(err)
		}
		if got := update(arn, acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: new("DISABLED"), Export: new("DISABLED")}); got != "" {
			t.Error(got)
		}
		if got := d.describe(arn).Options; *got.CertificateTransparencyLoggingPreference != "DISABLED" || *got.Export != "DISABLED" {
			t.Errorf("options %+v", got)
		}
		if got := update(arn, acmapi.CertificateOptions{Export: new("ENABLED")}); got != "InvalidStateException" {
			t.Errorf("export later: %q", got)
		}
		if got := update(d.bring(certtest.SelfSigned(t, "www.example.com")), acmapi.CertificateOptions{}); got != "InvalidStateException" {
			t.Errorf("imported: %q", got)
		}
	})
}

func TestList(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		d.request(&acmapi.RequestCertificateInput{DomainName: new("rsa.example.com")})
		settled()
		d.request(&acmapi.RequestCertificateInput{DomainName: new("pending.example.com"), Options: &acmapi.CertificateOptions{Export: new("ENABLED")}})
		time.Sleep(time.Millisecond)
		d.bring(certtest.SelfSigned(t, "ec.example.com"))
		all := []string{"RSA_2048", "EC_prime256v1"}
		sorted := func(order string, in acmapi.ListCertificatesInput) *acmapi.ListCertificatesInput {
			in.SortBy, in.SortOrder = new("CREATED_AT"), &order
			return &in
		}
		for _, c := range []struct {
			name string
			in   *acmapi.ListCertificatesInput
			want []string
		}{
			{"usual keys", sorted("ASCENDING", acmapi.ListCertificatesInput{}), []string{"rsa.example.com", "pending.example.com"}},
			{"latest first", sorted("DESCENDING", acmapi.ListCertificatesInput{}), []string{"pending.example.com", "rsa.example.com"}},
			{"issued", sorted("ASCENDING", acmapi.ListCertificatesInput{CertificateStatuses: []string{"ISSUED"}, Includes: &acmapi.Filters{KeyTypes: all}}), []string{"rsa.example.com", "ec.example.com"}},
			{"elliptic", sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{KeyTypes: all[1:]}}), []string{"ec.example.com"}},
			{"exportable", sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{KeyTypes: all, ExportOption: new("ENABLED")}}), []string{"pending.example.com"}},
			{"any usage", sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{KeyTypes: all, KeyUsage: []string{"ANY", "CRL_SIGNING"}}}), []string{"ec.example.com"}},
			{"servers", sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{ExtendedKeyUsage: []string{"TLS_WEB_SERVER_AUTHENTICATION"}}}), []string{"rsa.example.com"}},
			{"of CloudFront", sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{ManagedBy: new("CLOUDFRONT")}}), nil},
		} {
			if diff := cmp.Diff(c.want, d.list(c.in)); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		}
		if _, err := d.ListCertificates(d.as("ListCertificates"), &acmapi.ListCertificatesInput{SortBy: new("CREATED_AT")}); code(err) != "InvalidArgsException" {
			t.Errorf("order without direction: %v", err)
		}
		var paged []string
		in := sorted("ASCENDING", acmapi.ListCertificatesInput{Includes: &acmapi.Filters{KeyTypes: all}, MaxItems: new(int32(1))})
		for {
			out, err := d.ListCertificates(d.as("ListCertificates"), in)
			if err != nil || len(out.CertificateSummaryList) != 1 {
				t.Fatal(err, out)
			}
			paged = append(paged, *out.CertificateSummaryList[0].DomainName)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if diff := cmp.Diff([]string{"rsa.example.com", "pending.example.com", "ec.example.com"}, paged); diff != "" {
			t.Errorf("in pages: %s", diff)
		}
	})
}

func TestTags(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		arn := d.bring(certtest.SelfSigned(t, "www.example.com"))
		tag := func(key, value string) acmapi.Tag { return acmapi.Tag{Key: &key, Value: &value} }
		if _, err := d.AddTagsToCertificate(d.as("AddTagsToCertificate"), &acmapi.AddTagsToCertificateInput{CertificateArn: arn, Tags: []acmapi.Tag{tag("a", "1"), tag("b", "2"), tag("c", "3")}}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddTagsToCertificate(d.as("AddTagsToCertificate"), &acmapi.AddTagsToCertificateInput{CertificateArn: arn, Tags: []acmapi.Tag{tag("AWS:a", "1")}}); code(err) != "InvalidTagException" {
			t.Errorf("reserved: %v", err)
		}
		if _, err := d.RemoveTagsFromCertificate(d.as("RemoveTagsFromCertificate"), &acmapi.RemoveTagsFromCertificateInput{CertificateArn: arn, Tags: []acmapi.Tag{{Key: new("a")}, tag("b", "other")}}); err != nil {
			t.Fatal(err)
		}
		out, err := d.ListTagsForCertificate(d.as("ListTagsForCertificate"), &acmapi.ListTagsForCertificateInput{CertificateArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]acmapi.Tag{tag("b", "2"), tag("c", "3")}, out.Tags); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAccountConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		days := func() int32 {
			out, err := d.GetAccountConfiguration(d.as("GetAccountConfiguration"), &acmapi.GetAccountConfigurationInput{})
			if err != nil {
				t.Fatal(err)
			}
			return *out.ExpiryEvents.DaysBeforeExpiry
		}
		if got := days(); got != 45 {
			t.Errorf("%d days at first", got)
		}
		if _, err := d.PutAccountConfiguration(d.as("PutAccountConfiguration"), &acmapi.PutAccountConfigurationInput{
			ExpiryEvents: &acmapi.ExpiryEventsConfiguration{DaysBeforeExpiry: new(int32(10))}, IdempotencyToken: new("a"),
		}); err != nil {
			t.Fatal(err)
		}
		if got := days(); got != 10 {
			t.Errorf("%d days", got)
		}
	})
}
