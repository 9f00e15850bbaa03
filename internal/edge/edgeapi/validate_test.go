package edgeapi

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// valid is a snapshot that uses everything.
func valid() *Snapshot {
	return &Snapshot{
		Generation: 7,
		Nodes: []Node{
			{ID: "eni-1", LoadBalancer: "lb", Namespace: "/run/netns/a", Address: netip.MustParseAddr("10.0.0.5"), AvailabilityZone: "us-east-1a"},
			{ID: "eni-2", LoadBalancer: "lb", Namespace: "/run/netns/b", Address: netip.MustParseAddr("10.0.0.5")},
		},
		LoadBalancers: []LoadBalancer{{
			ARN: "lb", Name: "web", DNSName: "web-1.us-east-1.elb.localhost", Type: "application", Scheme: "internet-facing",
			Attributes: DefaultAttributes(),
			Listeners: []Listener{{
				ARN: "l", Port: 80, Protocol: ProtocolHTTP,
				Attributes: ListenerAttributes{ResponseHeaders: []Header{{"Strict-Transport-Security", "max-age=1"}}},
				Rules: []Rule{
					{ARN: "r1", Priority: 1, Conditions: []Condition{
						{Field: FieldHost, Values: []string{"*.example.com"}},
						{Field: FieldHeader, Header: "X-Canary", Values: []string{"yes"}},
						{Field: FieldQuery, Query: []QueryValue{{Key: "a", Value: "b"}}},
						{Field: FieldSourceIP, Values: []string{"10.0.0.0/8"}},
					}, Action: Action{Redirect: &Redirect{Protocol: "HTTPS", Host: "#{host}", Port: "443", Path: "/#{path}", Query: "#{query}", StatusCode: 301}}},
					{
						ARN: "r2", Priority: 2, Conditions: []Condition{{Field: FieldMethod, Values: []string{"POST"}}},
						Action: Action{FixedResponse: &FixedResponse{StatusCode: 403, ContentType: "text/plain", Body: "no"}},
					},
					{ARN: "r3", Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"g", 1}}}}},
				},
			}},
		}},
		TargetGroups: []TargetGroup{{
			ARN: "g", Name: "g", Protocol: ProtocolHTTP, ProtocolVersion: "HTTP1", Algorithm: AlgorithmRoundRobin,
			HealthCheck: HealthCheck{
				Protocol: ProtocolHTTP, Port: PortTraffic, Path: "/healthz", Interval: 30 * time.Second, Timeout: 5 * time.Second,
				HealthyThreshold: 5, UnhealthyThreshold: 2, Matcher: "200-299,301",
			},
			Targets: []Target{
				{ID: "10.0.1.1", Address: netip.MustParseAddr("10.0.1.1"), Port: 8080},
				{ID: "10.0.1.1", Address: netip.MustParseAddr("10.0.1.1"), Port: 8081, Draining: true, DrainUntil: time.Unix(1, 0).UTC()},
			},
		}},
		Zones: []Zone{{
			VPC: "vpc-1", Namespace: "/run/netns/v", Listen: []netip.Addr{netip.MustParseAddr("10.0.0.2")},
			Own:     []string{"us-east-1.elb.localhost"},
			Records: []Record{{Name: "web-1.us-east-1.elb.localhost", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.5")}, TTL: 60}},
		}},
		Doors: []Door{{
			LoadBalancer: "lb", Port: 80, Protocol: ProtocolHTTP, Hosts: []string{"web-1.us-east-1.elb.localhost"},
			Loopback: netip.MustParseAddr("127.1.2.3"), Public: []netip.Addr{netip.MustParseAddr("198.18.0.1")},
		}},
	}
}

// TestRoundTrip shows that nothing is lost on the way.
func TestRoundTrip(t *testing.T) {
	in := valid()
	if err := in.Validate(); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Snapshot
	if err := json.Unmarshal(content, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, &out) {
		t.Errorf("%+v became %+v", in, out)
	}
}

func TestValidate(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::1")
	rule := func(s *Snapshot, i int) *Rule { return &s.LoadBalancers[0].Listeners[0].Rules[i] }
	for _, c := range []struct {
		want   string // part of the error
		change func(*Snapshot)
	}{
		{"generation", func(s *Snapshot) { s.Generation = 0 }},
		{"unknown load balancer", func(s *Snapshot) { s.Nodes[0].LoadBalancer = "other" }},
		{"repeated id", func(s *Snapshot) { s.Nodes[1].ID = "eni-1" }},
		{"not IPv4", func(s *Snapshot) { s.Nodes[0].Address = six }},
		{"also node eni-1", func(s *Snapshot) { s.Nodes[1].Namespace = s.Nodes[0].Namespace }},
		{"type", func(s *Snapshot) { s.LoadBalancers[0].Type = "gateway" }},
		{"idle timeout", func(s *Snapshot) { s.LoadBalancers[0].Attributes.IdleTimeout = 0 }},
		{"X-Forwarded-For", func(s *Snapshot) { s.LoadBalancers[0].Attributes.ForwardedFor = "" }},
		{"desync", func(s *Snapshot) { s.LoadBalancers[0].Attributes.Desync = "strict" }},
		{"protocol", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Protocol = ProtocolHTTPS }},
		{"port 0", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Port = 0 }},
		{"response header", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Attributes.ResponseHeaders[0].Value = "a\r\nb" }},
		{"no default rule", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Rules = nil }},
		{"not the default rule", func(s *Snapshot) { rule(s, 2).Priority = 3 }},
		{"out of order", func(s *Snapshot) { rule(s, 1).Priority = 1 }},
		{"no conditions", func(s *Snapshot) { rule(s, 1).Conditions = nil }},
		{"unknown condition", func(s *Snapshot) { rule(s, 1).Conditions[0].Field = "cookie" }},
		{"values only", func(s *Snapshot) { rule(s, 1).Conditions[0].Values = nil }},
		{"query values only", func(s *Snapshot) { rule(s, 0).Conditions[2].Query = nil }},
		{"header name", func(s *Snapshot) { rule(s, 0).Conditions[1].Header = "a b" }},
		{"source-ip", func(s *Snapshot) { rule(s, 0).Conditions[3].Values[0] = "10.0.0.1" }},
		{"exactly one thing", func(s *Snapshot) { rule(s, 1).Action = Action{} }},
		{"exactly one thing", func(s *Snapshot) { rule(s, 1).Action.Redirect = rule(s, 0).Action.Redirect }},
		{"status 307", func(s *Snapshot) { rule(s, 0).Action.Redirect.StatusCode = 307 }},
		{"path", func(s *Snapshot) { rule(s, 0).Action.Redirect.Path = "a" }},
		{"bad character", func(s *Snapshot) { rule(s, 0).Action.Redirect.Host = "a\r\nb" }},
		{"status 302", func(s *Snapshot) { rule(s, 1).Action.FixedResponse.StatusCode = 302 }},
		{"content type", func(s *Snapshot) { rule(s, 1).Action.FixedResponse.ContentType = "a\nb" }},
		{"unknown target group", func(s *Snapshot) { rule(s, 2).Action.Forward.Groups[0].TargetGroup = "x" }},
		{"weight", func(s *Snapshot) { rule(s, 2).Action.Forward.Groups[0].Weight = 1000 }},
		{"without target groups", func(s *Snapshot) { rule(s, 2).Action.Forward.Groups = nil }},
		{"algorithm", func(s *Snapshot) { s.TargetGroups[0].Algorithm = "random" }},
		{"anomaly mitigation", func(s *Snapshot) { s.TargetGroups[0].AnomalyMitigation = true }},
		{"slow start", func(s *Snapshot) {
			s.TargetGroups[0].Algorithm, s.TargetGroups[0].SlowStart = AlgorithmLeastOutstanding, time.Minute
		}},
		{"threshold", func(s *Snapshot) { s.TargetGroups[0].Routing.Percent = 101 }},
		{"stickiness type", func(s *Snapshot) {
			s.TargetGroups[0].Stickiness = &Stickiness{Type: StickySourceIP, Duration: time.Hour}
		}},
		{"duration of stickiness", func(s *Snapshot) { s.TargetGroups[0].Stickiness = &Stickiness{Type: StickyLBCookie} }},
		{"application cookie", func(s *Snapshot) {
			s.TargetGroups[0].Stickiness = &Stickiness{Type: StickyAppCookie, Duration: time.Hour, Cookie: "a;b"}
		}},
		{"duration of stickiness", func(s *Snapshot) { rule(s, 2).Action.Forward.Stickiness = 8 * 24 * time.Hour }},
		{"cookie key", func(s *Snapshot) { s.CookieKey = []byte("short") }},
		{"regular expression", func(s *Snapshot) {
			rule(s, 1).Conditions[0].Values, rule(s, 1).Conditions[0].Regex = nil, []string{"("}
		}},
		{"instead of values", func(s *Snapshot) { rule(s, 1).Conditions[0].Regex = []string{"a"} }},
		{"default rule", func(s *Snapshot) { rule(s, 2).Transforms = []Transform{{Type: RewriteURL, Regex: "a", Replace: "b"}} }},
		{"repeated transform", func(s *Snapshot) {
			t := Transform{Type: RewriteURL, Regex: "a", Replace: "b"}
			rule(s, 1).Transforms = []Transform{t, t}
		}},
		{"bad replacement", func(s *Snapshot) {
			rule(s, 1).Transforms = []Transform{{Type: RewriteURL, Regex: "a", Replace: "a\r\nb"}}
		}},
		{"version", func(s *Snapshot) { s.TargetGroups[0].ProtocolVersion = "HTTP3" }},
		{"repeated id", func(s *Snapshot) { s.TargetGroups[0].Targets[1].Port = 8080 }},
		{"not IPv4", func(s *Snapshot) { s.TargetGroups[0].Targets[0].Address = netip.Addr{} }},
		{"without an end", func(s *Snapshot) { s.TargetGroups[0].Targets[1].DrainUntil = time.Time{} }},
		{"matcher", func(s *Snapshot) { s.TargetGroups[0].HealthCheck.Matcher = "200-" }},
		{"path", func(s *Snapshot) { s.TargetGroups[0].HealthCheck.Path = "/a b" }},
		{"port", func(s *Snapshot) { s.TargetGroups[0].HealthCheck.Port = "http" }},
		{"thresholds", func(s *Snapshot) { s.TargetGroups[0].HealthCheck.HealthyThreshold = 0 }},
		{"nothing to listen on", func(s *Snapshot) { s.Zones[0].Listen = nil }},
		{"bad or repeated name", func(s *Snapshot) { s.Zones[0].Records = append(s.Zones[0].Records, s.Zones[0].Records[0]) }},
		{"bad or repeated name", func(s *Snapshot) { s.Zones[0].Records[0].Name = "a..b" }},
		{"domain", func(s *Snapshot) { s.Zones[0].Own[0] = "" }},
		{"leads nowhere", func(s *Snapshot) { s.Doors[0].Public = nil }},
		{"loopback address of its own", func(s *Snapshot) { s.Doors[0].Loopback = netip.MustParseAddr("127.0.0.1") }},
		{"also that of lb", func(s *Snapshot) { s.Doors = append(s.Doors, s.Doors[0]) }},
	} {
		s := valid()
		c.change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}

func TestMatcher(t *testing.T) {
	m, err := ParseMatcher("200-204,301")
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[int]bool{199: false, 200: true, 204: true, 205: false, 301: true} {
		if m.Match(code) != want {
			t.Errorf("%d: not %v", code, want)
		}
	}
	for _, s := range []string{"", "2", "200,", "300-200", "200-600", "a"} {
		if _, err := ParseMatcher(s); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
}

func TestBuckets(t *testing.T) {
	for i := range Buckets - 1 {
		start, end := BucketStart(i), BucketStart(i+1)
		if Bucket(start) != i || Bucket(end-time.Nanosecond) != i || end <= start {
			t.Fatalf("bucket %d: %v to %v", i, start, end)
		}
	}
	if Bucket(1000*time.Hour) != Buckets-1 || Bucket(-1) != 0 {
		t.Error("out of range")
	}
	h := Histogram{Buckets: make([]uint64, 40)}
	h.Buckets[Bucket(time.Millisecond)] = 99
	h.Buckets[4]++
	if q := h.Quantile(0.5); q < time.Millisecond || q > 1250*time.Microsecond {
		t.Errorf("median %v", q)
	}
	if (Histogram{}).Quantile(0.5) != 0 || h.Count() != 100 {
		t.Error("count")
	}
}
