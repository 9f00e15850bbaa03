package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/control"
)

// TestClosedDoor: who looks at the status learns which address does not work, and which program to ask.
func TestClosedDoor(t *testing.T) {
	web := control.LoadBalancerStatus{
		Name: "web", State: "active", DNSName: "web.elb.localhost", URL: "http://web.elb.localhost", Address: "http://127.77.1.1", Public: []string{"198.18.0.4"},
		Listeners: []control.ListenerStatus{{Protocol: "HTTP", Port: 80}},
	}
	shown := func() string {
		var b strings.Builder
		if err := writeStatus(&b, "http://127.0.0.1:4566", &control.Status{LoadBalancers: []control.LoadBalancerStatus{web}}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if got := shown(); strings.Contains(got, "does not lead") {
		t.Errorf("all doors are open:\n%s", got)
	}
	web.Closed = []control.DoorStatus{{Address: "127.0.0.1:80", Why: "nginx (process 812) has the port"}}
	want := "\n\n127.0.0.1:80 does not lead to load balancer web: nginx (process 812) has the port\n"
	if got := shown(); !strings.Contains(got, want) || !strings.Contains(got, "http://127.77.1.1/") {
		t.Errorf("no %q in:\n%s", want, got)
	}
}

// TestInternal: a load balancer that this machine does not reach is shown as one, with its ports.
func TestInternal(t *testing.T) {
	s := control.Status{
		Services: []control.ServiceStatus{{Name: "web", Cluster: "main"}},
		LoadBalancers: []control.LoadBalancerStatus{
			{Name: "in", State: "active", Internal: true, DNSName: "in.elb.localhost", Listeners: []control.ListenerStatus{{Protocol: "TCP", Port: 443}, {Protocol: "UDP", Port: 53}}},
			{Name: "new", State: "provisioning", DNSName: "new.elb.localhost", Listeners: []control.ListenerStatus{{Protocol: "HTTP", Port: 80}}},
		},
	}
	var b strings.Builder
	if err := writeStatus(&b, "http://127.0.0.1:4566", &s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		": 1 service, 0 running tasks, 2 load balancers\n",
		"in active in.elb.localhost:443/tcp - internal: only its VPC reaches it\n",
		"\n in.elb.localhost:53/udp -",
		"new provisioning http://new.elb.localhost/ - -\n",
	} {
		if got := spaces.ReplaceAllString(b.String(), " "); !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, &b)
		}
	}
}

var spaces = regexp.MustCompile(" +")
