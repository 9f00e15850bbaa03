package accesslog

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/state"
)

const (
	lbARN     = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
	allowELB  = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::127311923021:root"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/lb/AWSLogs/123456789012/*"}}`
	allowNew  = `{"Statement":{"Effect":"Allow","Principal":{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/lb/AWSLogs/123456789012/*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/*"}}}}`
	allowNLB  = `{"Statement":{"Effect":"Allow","Principal":{"Service":"delivery.logs.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceAccount":["123456789012"]},"ArnLike":{"aws:SourceArn":["arn:aws:logs:us-east-1:123456789012:*"]}}}}`
	allowElse = `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::127311923021:root"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/other/*"}}`
)

// world is a delivery over an engine, a bucket and a load balancer.
type world struct {
	*Delivery
	tables *balance.Tables
	rows   *object.Tables
}

func open(t *testing.T) *world {
	t.Helper()
	schema := state.NewSchema()
	tables, rows, targets := balance.NewTables(schema), object.NewTables(schema), NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	e, err := object.Open(object.Config{Store: store, Tables: rows, Path: filepath.Join(dir, "objects.db"), Dir: filepath.Join(dir, "objects"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	w := &world{&Delivery{
		Store: store, Tables: targets, LoadBalancers: tables.LoadBalancers, Objects: e, Dir: filepath.Join(dir, "logs"), Clock: clock.Clock{}, Log: log,
		Address: func(_ *state.Tx, _ string, node netip.Addr) netip.Addr { return node },
	}, tables, rows}
	if err := os.Mkdir(w.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.update(t, func(tx *state.Tx) {
		rows.Buckets.Put(tx, &object.Bucket{Name: "logs", Account: "123456789012", Region: "us-east-1", ID: 1, Policy: allowNew})
	})
	return w
}

func (w *world) update(t *testing.T, edit func(tx *state.Tx)) {
	t.Helper()
	if err := w.Store.Update(t.Context(), func(tx *state.Tx) error { edit(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) enable(t *testing.T, on bool) {
	t.Helper()
	w.update(t, func(tx *state.Tx) {
		w.tables.LoadBalancers.Put(tx, &balance.LoadBalancer{ARN: lbARN, Attributes: balance.Attributes{AccessLogs: balance.LogTarget{Enabled: on, Bucket: "logs", Prefix: "lb"}}})
	})
	if err := w.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// objects are the contents of the bucket by key.
func (w *world) objects(t *testing.T) map[string]string {
	t.Helper()
	b, err := w.Objects.Bucket(w.Store.View(), "logs")
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Objects.List(context.Background(), b, object.ListQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, v := range p.Objects {
		_, c, err := w.Objects.Get(context.Background(), b, v.Key, "")
		if err != nil {
			t.Fatal(err)
		}
		r := io.Reader(c)
		if strings.HasSuffix(v.Key, ".gz") {
			if r, err = gzip.NewReader(c); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		out[v.Key] = string(text)
	}
	return out
}

func (w *world) file(t *testing.T, content string) string {
	t.Helper()
	f, err := edgeapi.NewLogFile(edgeapi.LogAccess, lbARN, netip.MustParseAddr("172.160.1.192"))
	if err != nil {
		t.Fatal(err)
	}
	f.Start, f.End = time.Date(2014, 2, 15, 23, 35, 7, 0, time.UTC), time.Date(2014, 2, 15, 23, 40, 0, 0, time.UTC)
	path := filepath.Join(w.Dir, f.Name()+edgeapi.LogExtension)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDelivery(t *testing.T) {
	w := open(t)
	w.enable(t, true)
	if text := w.objects(t)["lb/AWSLogs/123456789012/ELBAccessLogTestFile"]; !strings.HasPrefix(text, "Enable AccessLog for ELB: web at ") {
		t.Fatalf("test file: %q of %v", text, w.objects(t))
	}
	path := w.file(t, "one\ntwo\n")
	w.deliver(t.Context())
	var name string
	for key, content := range w.objects(t) {
		if strings.HasSuffix(key, ".gz") {
			name = key
			if content != "one\ntwo\n" {
				t.Errorf("%q", content)
			}
		}
	}
	const want = "lb/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2014/02/15/123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20140215T2340Z_172.160.1.192_"
	if !strings.HasPrefix(name, want) || !strings.HasSuffix(name, ".log.gz") {
		t.Errorf("%s", name)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
	w.file(t, "one\ntwo\n") // as a crash before its removal leaves it
	w.deliver(t.Context())
	if n := len(w.objects(t)); n != 2 {
		t.Errorf("%d objects after the second time", n)
	}
}

func TestLastFileOfASwitchedOffLog(t *testing.T) {
	w := open(t)
	w.enable(t, true)
	w.enable(t, false)
	w.file(t, "late\n")
	w.deliver(t.Context())
	if n := len(w.objects(t)); n != 2 {
		t.Errorf("%d objects", n)
	}
	if changes := w.plan(w.Store.View(), time.Now().Add(time.Hour)); len(changes) != 1 || !changes[0].gone {
		t.Errorf("%+v", changes)
	}
}

func TestPermissionTakenBack(t *testing.T) {
	w := open(t)
	w.enable(t, true)
	w.update(t, func(tx *state.Tx) {
		w.rows.Buckets.Put(tx, &object.Bucket{Name: "logs", Account: "123456789012", Region: "us-east-1", ID: 1})
	})
	path := w.file(t, "x\n")
	w.deliver(t.Context())
	if _, err := os.Stat(path); !os.IsNotExist(err) || len(w.objects(t)) != 1 {
		t.Errorf("%v, %d objects", err, len(w.objects(t)))
	}
}

// TestLastFilesWithoutABucket: what is lost of a load balancer that is there is a warning, of one that is gone it is not.
func TestLastFilesWithoutABucket(t *testing.T) {
	w := open(t)
	w.enable(t, true)
	w.update(t, func(tx *state.Tx) { w.rows.Buckets.Delete(tx, "logs") })
	lost := func() string {
		var said bytes.Buffer
		w.Log = slog.New(slog.NewTextHandler(&said, nil))
		path := w.file(t, "x\n")
		w.deliver(t.Context())
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("the file is left: %v", err)
		}
		return said.String()
	}
	if said := lost(); !strings.Contains(said, "level=WARN") {
		t.Errorf("%q", said)
	}
	w.update(t, func(tx *state.Tx) { w.tables.LoadBalancers.Delete(tx, lbARN) })
	if said := lost(); !strings.Contains(said, "level=INFO") || strings.Contains(said, "level=WARN") {
		t.Errorf("%q", said)
	}
	w.update(t, func(tx *state.Tx) { w.Tables.Targets.Delete(tx, targetKey(edgeapi.LogAccess, lbARN)) })
	if said := lost(); !strings.Contains(said, "level=INFO") || strings.Contains(said, "level=WARN") {
		t.Errorf("%q", said)
	}
}

func TestCheck(t *testing.T) {
	w := open(t)
	const nlbARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/web/50dc6c495c0c9188"
	for policy, want := range map[string]bool{allowNLB: true, allowNew: false, allowELB: false} {
		w.update(t, func(tx *state.Tx) {
			w.rows.Buckets.Put(tx, &object.Bucket{Name: "logs", Account: "123456789012", Region: "us-east-1", ID: 1, Policy: policy})
		})
		if err := (Permission{w.rows.Buckets}).Check(w.Store.View(), nlbARN, "logs", "lb"); (err == nil) != want {
			t.Errorf("network, %s: %v", policy, err)
		}
	}
	for _, c := range []struct{ policy, region, bucket, prefix, want string }{
		{allowNew, "us-east-1", "logs", "lb", ""},
		{allowELB, "us-east-1", "logs", "lb", ""},
		{allowNLB, "us-east-1", "logs", "lb", "Access Denied for bucket: logs. Please check S3bucket permission"},
		{allowElse, "us-east-1", "logs", "lb", "Access Denied for bucket: logs. Please check S3bucket permission"},
		{"", "us-east-1", "logs", "lb", "Access Denied for bucket: logs. Please check S3bucket permission"},
		{allowNew, "us-east-1", "none", "lb", "The S3 bucket 'none' does not exist"},
		{allowNew, "eu-west-1", "logs", "lb", "The S3 bucket 'logs' is not in the Region 'us-east-1' of the load balancer"},
		{allowNew, "us-east-1", "logs", "AWSLogs", "The prefix 'AWSLogs' must not contain 'AWSLogs'"},
	} {
		w.update(t, func(tx *state.Tx) {
			w.rows.Buckets.Put(tx, &object.Bucket{Name: "logs", Account: "123456789012", Region: c.region, ID: 1, Policy: c.policy})
		})
		err := (Permission{w.rows.Buckets}).Check(w.Store.View(), lbARN, c.bucket, c.prefix)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != "InvalidConfigurationRequest: "+c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestKey(t *testing.T) {
	end := time.Date(2014, 2, 15, 23, 40, 0, 0, time.UTC)
	for _, c := range []struct {
		kind, lb, prefix, want string
	}{
		{edgeapi.LogAccess, "app/web/1", "", "AWSLogs/1/elasticloadbalancing/us-east-1/2014/02/15/1_elasticloadbalancing_us-east-1_app.web.1_20140215T2340Z_10.0.0.1_"},
		{edgeapi.LogConnection, "app/web/1", "/p/", "p/AWSLogs/1/elasticloadbalancing/us-east-1/2014/02/15/conn_log.1_elasticloadbalancing_us-east-1_app.web.1_20140215T2340Z_10.0.0.1_"},
		{edgeapi.LogAccess, "net/web/1", "p", "p/AWSLogs/1/elasticloadbalancing/us-east-1/2014/02/15/1_elasticloadbalancing_us-east-1_net.web.1_20140215T2340Z_"},
	} {
		f := edgeapi.LogFile{Kind: c.kind, Account: "1", Region: "us-east-1", LoadBalancer: c.lb, Node: netip.MustParseAddr("10.0.0.1"), End: end}
		if got := key(f, c.prefix, f.Node); !strings.HasPrefix(got, c.want) || len(got) != len(c.want)+len("12345678.log.gz") {
			t.Errorf("%s, want %s…", got, c.want)
		}
	}
}
