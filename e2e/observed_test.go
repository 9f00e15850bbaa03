package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const loadBalancersMayWrite = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::records/*",
	"Principal":{"Service":["logdelivery.elasticloadbalancing.amazonaws.com","delivery.logs.amazonaws.com"]}}]}`

// strongCipher is Go's choice for TLS 1.3: it depends on whether both processors have instructions for AES.
const strongCipher = "TLS_(AES_128_GCM|CHACHA20_POLY1305)_SHA256"

// keepsLogs switches the load balancers' logs on: a bucket takes them only if its policy says so.
func (f *fleet) keepsLogs() {
	f.t.Helper()
	f.s3(http.MethodPut, "/records", nil)
	enable := func(kind, prefix string) []string {
		return []string{kind + ".s3.enabled", "true", kind + ".s3.bucket", "records", kind + ".s3.prefix", prefix}
	}
	_, err := f.query("elb", "ModifyLoadBalancerAttributes", append([]string{"LoadBalancerArn", f.web.arn}, attributes(enable("access_logs", "requests")...)...)...)
	var refused *apiError
	if !errors.As(err, &refused) || refused.code != "InvalidConfigurationRequest" {
		f.t.Errorf("a bucket without a policy takes logs: %v", err)
	}
	f.s3(http.MethodPut, "/records?policy=", []byte(loadBalancersMayWrite))
	f.set(f.web.arn, append(enable("access_logs", "requests"), enable("connection_logs", "connections")...)...)
	f.set(f.flows.arn, enable("access_logs", "flows")...)
}

// logged: requests by HTTP and by HTTP/2 over TLS are found in the load balancer's log, in a bucket.
func (f *fleet) logged() {
	t := f.t
	over := f.transport("h2")
	defer over.CloseIdleConnections()
	req, err := http.NewRequest(http.MethodPost, "https://"+appDomain+"/echo?mark=secure", strings.NewReader("twelve bytes"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", `some "agent"`)
	res, err := (&http.Client{Transport: over, Timeout: loadPatience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	trace := f.echoed(string(answer)).Header.Get("X-Amzn-Trace-Id")
	if code, _, err := get("http://"+f.web.address+"/sticky/slow?mark=plain&ms=50", appDomain); err != nil || code != http.StatusOK {
		t.Fatal(code, err)
	}
	secure, plain := f.logLine("requests", "mark=secure"), f.logLine("requests", "mark=plain")
	_, name, _ := strings.Cut(f.web.arn, ":loadbalancer/")
	for _, c := range []struct {
		line   []string
		values map[int]string // expressions by field
	}{
		{secure, map[int]string{
			0: "h2", 8: "200", 9: "200", 12: "POST https://app.example.com:443/echo\\?mark=secure HTTP/2.0", 13: `some (\\x22|\\")agent(\\x22|\\")`,
			14: strongCipher, 15: "TLSv1.3", 16: regexp.QuoteMeta(f.groups["web"]), 17: regexp.QuoteMeta(trace), 18: appDomain,
			19: regexp.QuoteMeta(f.certificates[appDomain]), 20: "0", 22: "forward", 23: "-", 24: "-", 26: "200", 29: "TID_[0-9a-f]{32}",
		}},
		{plain, map[int]string{
			0: "http", 8: "200", 9: "200", 12: "GET http://app.example.com:80/sticky/slow\\?mark=plain&ms=50 HTTP/1.1", 14: "-", 15: "-",
			16: regexp.QuoteMeta(f.groups["sticky"]), 18: "-", 19: "-", 20: "1", 22: "forward", 27: "-|Acceptable",
		}},
	} {
		if len(c.line) < 30 {
			t.Fatalf("fields %q", c.line)
		}
		f.fields(c.line, c.values)
		at, bad := time.Parse(time.RFC3339Nano, c.line[1])
		from, worse := netip.ParseAddrPort(c.line[3])
		if bad != nil || time.Since(at).Abs() > 4*patience || c.line[2] != name || worse != nil || from.Addr().String() != f.host.String() {
			t.Errorf("time, load balancer, client: %q", c.line[1:4])
		}
		if to, err := netip.ParseAddrPort(c.line[4]); err != nil || to.Port() != 8080 || to.Addr().String() != f.tasks["a"] && to.Addr().String() != f.tasks["b"] || c.line[25] != c.line[4] {
			t.Errorf("target %q, %q", c.line[4], c.line[25])
		}
		var spent [3]float64
		var received, sent int
		if n, err := fmt.Sscan(strings.Join(append(c.line[5:8], c.line[10:12]...), " "), &spent[0], &spent[1], &spent[2], &received, &sent); n != 5 || err != nil ||
			min(spent[0], spent[1], spent[2]) < 0 || max(spent[0], spent[1], spent[2]) > loadPatience.Seconds() || received < 20 || sent < 100 {
			t.Errorf("times %v, %d octets received, %d sent", c.line[5:8], received, sent)
		}
		if c.line[20] == "1" && spent[1] < 0.05 {
			t.Errorf("a target that takes 50 ms took %v s", spent[1])
		}
	}
	// The connection's line has the same name for it.
	f.fields(f.logLine("connections", secure[29]), map[int]string{
		1: regexp.QuoteMeta(f.host.String()), 3: "443", 4: "TLSv1.3", 5: strongCipher, 6: "[0-9.]+", 7: "-", 10: "Success", 11: secure[29],
	})
	if _, err := f.secured(patience); err != nil {
		t.Fatal(err)
	}
	_, name, _ = strings.Cut(f.flows.arn, ":loadbalancer/")
	f.fields(f.logLine("flows", f.certificates[appDomain]), map[int]string{
		0: "tls", 1: "2.0", 3: name, 5: regexp.QuoteMeta(f.host.String()) + ":[0-9]+", 6: "10[.]0[.][01][.][0-9]+:744[34]", 7: "[0-9]+", 8: "[0-9]+", 11: "-",
		12: regexp.QuoteMeta(f.certificates[appDomain]), 14: strongCipher, 15: "tlsv13", 17: appDomain,
	})
}

// fields compares some fields of a line with expressions.
func (f *fleet) fields(line []string, want map[int]string) {
	f.t.Helper()
	for i, w := range want {
		if i >= len(line) || !regexp.MustCompile("^(?:"+w+")$").MatchString(line[i]) {
			f.t.Errorf("field %d is not %s in %q", i, w, line)
		}
	}
}

var logKey = regexp.MustCompile(`^\w+/AWSLogs/000000000000/elasticloadbalancing/us-east-1/\d{4}/\d\d/\d\d/(conn_log[.])?000000000000_elasticloadbalancing_us-east-1_(app[.]web|net[.]flows)[.]\w+_.*[.]log[.]gz$`)

// logLine waits for a line with a mark among the logs below a prefix and returns its fields.
func (f *fleet) logLine(prefix, mark string) (fields []string) {
	f.t.Helper()
	read := map[string]bool{}
	f.eventually(patience, "a log of "+prefix+" has "+mark, func() error {
		var list struct{ Contents []struct{ Key string } }
		if err := xml.Unmarshal(f.s3(http.MethodGet, "/records?list-type=2&prefix="+prefix+"%2F", nil), &list); err != nil {
			return err
		}
		for _, o := range list.Contents {
			if read[o.Key] || strings.HasSuffix(o.Key, "ELBAccessLogTestFile") || strings.HasSuffix(o.Key, "ELBConnectionLogTestFile") {
				continue
			}
			if read[o.Key] = true; !logKey.MatchString(o.Key) {
				f.t.Errorf("a log is called %s", o.Key)
			}
			z, err := gzip.NewReader(bytes.NewReader(f.s3(http.MethodGet, "/records/"+o.Key, nil)))
			if err != nil {
				f.t.Fatalf("%s: %v", o.Key, err)
			}
			text, err := io.ReadAll(z)
			if err != nil {
				f.t.Fatalf("%s: %v", o.Key, err)
			}
			for l := range strings.Lines(string(text)) {
				if strings.Contains(l, mark) {
					fields = logFields(l)
					return nil
				}
			}
		}
		return fmt.Errorf("not in %d files", len(read))
	})
	return fields
}

var logField = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`)

// logFields are a line's, without the quotes around those that have them.
func logFields(line string) (fields []string) {
	for _, m := range logField.FindAllStringSubmatch(line, -1) {
		fields = append(fields, m[1]+m[2])
	}
	return fields
}

// measured: CloudWatch has as many requests as were sent, and the time that the target took.
func (f *fleet) measured() {
	t := f.t
	begin := time.Now().Add(-time.Minute)
	over := f.transport("h2")
	defer over.CloseIdleConnections()
	const n = 40
	for i := range n {
		slow := 1
		if i == 0 {
			slow = 400 // the slowest one of a hundred is one of forty
		}
		if _, err := f.fetch(&http.Client{Transport: over, Timeout: loadPatience}, fmt.Sprintf("https://%s/timed?ms=%d", appDomain, slow)); err != nil {
			t.Fatal(err)
		}
	}
	_, lb, _ := strings.Cut(f.web.arn, ":loadbalancer/")
	group := f.groups["timed"][strings.LastIndexByte(f.groups["timed"], ':')+1:]
	dimensions := []types.Dimension{{Name: new("LoadBalancer"), Value: &lb}, {Name: new("TargetGroup"), Value: &group}}
	metric := func(id, name, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: new("AWS/ApplicationELB"), MetricName: &name, Dimensions: dimensions}, Period: new(int32(3600)), Stat: &stat,
		}}
	}
	c := f.metrics()
	read := func() map[string]float64 {
		out, err := c.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
			StartTime: &begin, EndTime: new(time.Now().Add(time.Minute)), MetricDataQueries: []types.MetricDataQuery{
				metric("requests", "RequestCount", "Sum"), metric("good", "HTTPCode_Target_2XX_Count", "Sum"), metric("p50", "TargetResponseTime", "p50"), metric("p99", "TargetResponseTime", "p99"),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]float64{}
		for _, r := range out.MetricDataResults {
			for _, v := range r.Values {
				values[*r.Id] = max(v, values[*r.Id]+map[bool]float64{true: v}[*r.Id == "requests" || *r.Id == "good"])
			}
		}
		return values
	}
	var got map[string]float64
	f.eventually(patience, "every request is counted", func() error {
		if got = read(); got["requests"] != n || got["good"] != n {
			return fmt.Errorf("%v", got)
		}
		return nil
	})
	if got["p99"] < 0.3 || got["p99"] > loadPatience.Seconds() || got["p50"] >= got["p99"] {
		t.Errorf("%v", got)
	}
}
