package proxy

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// logged has the engine write log files. written ends that, and returns the one file that there is.
func (b *bench) logged() (written func() string) {
	b.t.Helper()
	dir := b.t.TempDir()
	spool, err := accesslog.Open(accesslog.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.t.Fatal(err)
	}
	b.engine.logs = spool
	return func() string {
		b.t.Helper()
		ctx, cancel := context.WithCancel(b.t.Context())
		cancel()
		if err := spool.Run(ctx); err != nil {
			b.t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(dir, "*"+edgeapi.LogExtension))
		if len(files) != 1 {
			b.t.Fatal(files)
		}
		content, err := os.ReadFile(files[0])
		if err != nil {
			b.t.Fatal(err)
		}
		return string(content)
	}
}

// TestLateLog turns logs on when a connection has been there for a while: its requests have one name all the same, whoever asks first.
func TestLateLog(t *testing.T) {
	b := newBench(t)
	written := b.logged()
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = slices.Clone(s.LoadBalancers)
		s.LoadBalancers[0].ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/0123456789abcdef"
		s.Nodes = []edgeapi.Node{{ID: "eni-1", LoadBalancer: s.LoadBalancers[0].ARN, Address: loopback}}
	})
	c := b.dial()
	r := bufio.NewReader(c)
	ask := func() {
		t.Helper()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
	}
	ask()
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = slices.Clone(s.LoadBalancers)
		s.LoadBalancers[0].Attributes.AccessLog = true
	})
	ask()
	ask()
	c.Close()
	for b.engine.clients.Load() > 0 { // entries are written after the answers
		runtime.Gosched()
	}
	content := written()
	names := regexp.MustCompile(` TID_[0-9a-f]{32} `).FindAllString(content, -1)
	if len(names) != 2 || names[0] != names[1] {
		t.Errorf("%s", content)
	}
}

// TestTraced asks for a connection's name from several requests at once.
func TestTraced(t *testing.T) {
	var p, other peer
	names := make([]string, 8)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() { names[i] = p.traced() })
	}
	all.Wait()
	if n := slices.Compact(names); len(n) != 1 || n[0] == other.traced() {
		t.Errorf("%q", names)
	}
}

// TestAccessLog has one request of each kind.
func TestAccessLog(t *testing.T) {
	b := newBench(t, httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(201)
		w.Write(body)
	}))
	written := b.logged()
	condition := func(path string) []edgeapi.Condition {
		return []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{path}}}
	}
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = withRules(s,
			edgeapi.Rule{ARN: "1", Priority: 10, Conditions: condition("/fixed"), Action: edgeapi.Action{
				FixedResponse: &edgeapi.FixedResponse{StatusCode: 418},
			}},
			edgeapi.Rule{ARN: "2", Priority: 20, Conditions: condition("/old"), Action: edgeapi.Action{
				Redirect: &edgeapi.Redirect{Protocol: "HTTPS", Host: "#{host}", Port: "443", Path: "/new", StatusCode: 301},
			}},
			edgeapi.Rule{ARN: "3", Priority: 30, Conditions: condition("/v1/*"), Action: forwardTo(groupARN), Transforms: []edgeapi.Transform{
				{Type: edgeapi.RewriteURL, Regex: "^/v1/", Replace: "/"},
				{Type: edgeapi.RewriteHost, Regex: "bad", Replace: "b/d"},
			}},
			edgeapi.Rule{ARN: "4", Priority: 40, Conditions: condition("/none"), Action: forwardTo("empty")},
		)
		lb := &s.LoadBalancers[0]
		lb.ARN, lb.Attributes.AccessLog = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/0123456789abcdef", true
		s.Nodes = []edgeapi.Node{{ID: "eni-1", LoadBalancer: lb.ARN, Address: loopback}}
		s.TargetGroups = append(slices.Clone(s.TargetGroups), testGroup("empty"))
	})
	for _, raw := range []string{
		"POST /a?b=c HTTP/1.1\r\nHost: Shop.example:80\r\nUser-Agent: \"x\"\r\nX-Amzn-Trace-Id: Root=1-2-3\r\nContent-Length: 5\r\n\r\nhello",
		"GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /old HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/a HTTP/1.1\r\nHost: bad\r\n\r\n",
		"GET /none HTTP/1.0\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
		"GET / HTTP/1.1\r\nHost: x\r\nHost : y\r\n\r\n",
	} {
		c := b.dial()
		io.WriteString(c, raw)
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		c.Close()
		for b.engine.clients.Load() > 0 { // entries are written after the answers
			runtime.Gosched()
		}
	}
	for b.engine.clients.Load() > 0 { // entries are written after the answers
		runtime.Gosched()
	}
	content := written()
	const (
		start  = `^http \S+Z app/web/0123456789abcdef 127\.0\.0\.1:\d+ `
		target = `127\.0\.0\.1:\d+ \d\.\d+ \d\.\d+ \d\.\d+ `
		none   = `- -1 -1 -1 `
		end    = ` TID_[0-9a-f]{32} `
		trace  = `"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"`
	)
	lines := strings.Split(strings.TrimSpace(content), "\n")
	for i, want := range []string{
		start + target + `201 201 1\d\d 1\d\d "POST http://Shop\.example:\d+/a\?b=c HTTP/1\.1" "\\x22x\\x22" - - group "Self=1-\S+;Root=1-2-3" "-" "-" 0 \S+Z "forward" "-" "-" "127\.0\.0\.1:\d+" "201" "-" "-"` + end + `"-" "-" "-" 127\.0\.0\.1$`,
		start + none + `418 - \d+ \d+ "GET http://x:\d+/fixed HTTP/1\.1" "-" - - - "-" "-" "-" 10 \S+Z "fixed-response" "-" "-" "-" "-" "-" "-"` + end,
		start + none + `301 - \d+ \d+ "GET http://x:\d+/old HTTP/1\.1" "-" - - - "-" "-" "-" 20 \S+Z "redirect" "https://x:443/new" "-" "-" "-" "-" "-"` + end,
		start + target + `201 201 \d+ \d+ "GET http://x:\d+/v1/a HTTP/1\.1" "-" - - group ` + trace + ` "-" "-" 30 \S+Z "forward" "-" "-" "127\.0\.0\.1:\d+" "201" "-" "-"` + end + `"-" "/a" "TransformSuccess" 127\.0\.0\.1$`,
		start + none + `500 - \d+ \d+ "GET http://bad:\d+/v1/a HTTP/1\.1" "-" - - group "-" "-" "-" 30 \S+Z "forward" "-" "-" "-" "-" "-" "-"` + end + `"-" "/a" "TransformInvalidHost" 127\.0\.0\.1$`,
		start + none + `503 - \d+ \d+ "GET http://lb\.localhost:\d+/none HTTP/1\.0" "-" - - empty "-" "-" "-" 40 \S+Z "forward" "-" "-" "-" "-" "-" "-"` + end,
		start + target + `201 201 \d+ \d+ "GET http://x:\d+/b HTTP/1\.1" "-" - - group ` + trace + ` "-" "-" 0 \S+Z "forward" "-" "-" "127\.0\.0\.1:\d+" "201" "Ambiguous" "UndefinedContentLengthSemantics"` + end,
		start + none + `400 - \d+ \d+ "- http://lb\.localhost:\d+- -" "-" - - - "-" "-" "-" \S+ \S+Z "-" "-" "-" "-" "-" "Severe" "BadHeader"` + end,
	} {
		if i >= len(lines) || !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d of\n%s\nis not\n%s", i, content, want)
		}
	}
}
