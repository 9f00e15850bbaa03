package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// flowLoad is a constant stream of connections to a network load balancer, each with a line and an echo.
type flowLoad struct {
	stop context.CancelFunc
	wait sync.WaitGroup

	mu       sync.Mutex
	opened   int
	failures []string
	met      map[string]int
}

func newFlowLoad(t *testing.T, address string) *flowLoad {
	ctx, cancel := context.WithCancel(context.Background())
	l := &flowLoad{stop: cancel, met: map[string]int{}}
	for range loadWorkers / 2 {
		l.wait.Go(func() {
			for ctx.Err() == nil {
				name, err := talk(address)
				l.note(name, err)
				select {
				case <-ctx.Done():
				case <-time.After(loadPause):
				}
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// talk is one connection: who answers, if it also echoes.
func talk(address string) (string, error) {
	c, err := net.DialTimeout("tcp", address, loadPatience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(loadPatience))
	if _, err := io.WriteString(c, "over\n"); err != nil {
		return "", err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	said, err := io.ReadAll(c)
	if err == nil && !strings.HasSuffix(string(said), "\nover\n") {
		err = fmt.Errorf("%q", said)
	}
	name, _, _ := strings.Cut(string(said), " ")
	return name, err
}

func (l *flowLoad) note(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened++
	if err != nil {
		l.failures = append(l.failures, time.Now().Format(time.StampMilli)+" "+err.Error())
		return
	}
	l.met[name]++
}

func (l *flowLoad) end() {
	l.stop()
	l.wait.Wait()
}

func (l *flowLoad) check(t *testing.T) {
	t.Helper()
	l.end()
	t.Logf("%d connections, %d failed, answered by %v", l.opened, len(l.failures), l.met)
	if n := len(l.failures); n > 0 {
		t.Errorf("%d of %d connections failed:\n  %s", n, l.opened, strings.Join(l.failures[:min(n, 10)], "\n  "))
	}
	if l.opened < 50 {
		t.Errorf("%d connections are no load", l.opened)
	}
}

// load is both: requests for a path over TLS by HTTP/1.1 and HTTP/2, and connections to a port.
func (f *fleet) load(path string, port int) (*load, *flowLoad) {
	var n atomic.Int64
	protocols := []string{"http/1.1", "h2", "h2", "http/1.1"}
	web := newLoadOver(f.t, "https://"+appDomain+path, appDomain, func() *http.Transport { return f.transport(protocols[n.Add(1)%4]) })
	return web, newFlowLoad(f.t, net.JoinHostPort(f.elastic[0], strconv.Itoa(port)))
}

// changes of everything in place cost no request.
func (f *fleet) changes() {
	t := f.t
	web, flows := f.load("/", 7000)
	secure := f.listeners["443"]
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"certificate", func() {
			old, err := handshake(f.web.address+":443", appDomain, f.roots)
			if err != nil {
				t.Fatal(err)
			}
			f.requests(appDomain)
			f.elb("ModifyListener", "ListenerArn", secure, "Certificates.member.1.CertificateArn", f.certificates[appDomain])
			f.eventually(patience, "the new certificate is presented", func() error {
				if now, err := handshake(f.web.address+":443", appDomain, f.roots); err != nil || now.Equal(old) {
					return fmt.Errorf("the old one: %v", err)
				}
				return nil
			})
		}},
		{"weights", func() {
			weigh := func(weights ...string) {
				f.elb("ModifyListener", append([]string{"ListenerArn", secure, "DefaultActions.member.1.Type", "forward"},
					listOf("DefaultActions.member.1.ForwardConfig.TargetGroups", "TargetGroupArn", "Weight")(f.groups["web"], weights[0], f.groups["spare"], weights[1])...)...)
			}
			weigh("1", "9")
			f.eventually(patience, "the other group answers", func() error {
				web.mu.Lock()
				defer web.mu.Unlock()
				if web.versions["c"] == 0 {
					return fmt.Errorf("%v", web.versions)
				}
				return nil
			})
			weigh("1", "0")
		}},
		{"rules", func() {
			var rules []string
			for i := range 10 {
				rules = append(rules, f.rules(secure, 100+i, fmt.Sprintf("/nowhere-%d", i), f.groups["spare"]))
			}
			f.elb("SetRulePriorities", listOf("RulePriorities", "RuleArn", "Priority")(rules[0], "300", rules[1], "200")...)
			f.elb("ModifyRule", "RuleArn", rules[2], "Actions.member.1.Type", "fixed-response", "Actions.member.1.FixedResponseConfig.StatusCode", "503")
			for _, r := range rules {
				f.elb("DeleteRule", "RuleArn", r)
			}
		}},
		{"attributes", func() {
			f.set(f.web.arn, "idle_timeout.timeout_seconds", "30", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "true", "routing.http.desync_mitigation_mode", "strictest")
			f.set(f.groups["web"], "stickiness.enabled", "true", "stickiness.type", "lb_cookie")
			f.set(f.groups["web"], "stickiness.enabled", "false", "load_balancing.algorithm.type", "least_outstanding_requests")
			f.elb("ModifyTargetGroup", "TargetGroupArn", f.groups["web"], "HealthCheckPath", "/", "HealthCheckIntervalSeconds", "6")
		}},
		{"zones", f.anotherZone},
	} {
		before := f.failures(web, flows)
		c.change()
		if now := f.failures(web, flows); now != before {
			t.Errorf("%s: %d requests and connections failed", c.name, now-before)
		}
	}
	f.drains()
	web.check(t)
	flows.check(t)
	for _, name := range []string{"a", "b", "c"} {
		if web.versions[name] == 0 || flows.met[name] == 0 {
			t.Errorf("%s did not answer: %v, %v", name, web.versions, flows.met)
		}
	}
}

func (f *fleet) failures(web *load, flows *flowLoad) int {
	web.mu.Lock()
	defer web.mu.Unlock()
	flows.mu.Lock()
	defer flows.mu.Unlock()
	return web.failed + len(flows.failures)
}

// anotherZone gives load balancers a third one, and takes the application load balancer's away again.
func (f *fleet) anotherZone() {
	subnet := f.ec2("CreateSubnet", "VpcId", f.vpc, "CidrBlock", "10.0.2.0/24", "AvailabilityZone", "us-east-1c").get("subnet/subnetId")
	f.ec2("AssociateRouteTable", "SubnetId", subnet, "RouteTableId", f.publicTable)
	three := append(slices.Clone(f.public), subnet)
	f.elb("SetSubnets", append([]string{"LoadBalancerArn", f.web.arn}, listOf("Subnets")(three...)...)...)
	known := slices.Clone(f.web.status.Public)
	f.eventually(patience, "the new zone serves", func() error {
		f.look(&f.web)
		for _, a := range f.web.status.Public {
			if !slices.Contains(known, a) {
				_, err := handshake(a+":443", appDomain, f.roots)
				return err
			}
		}
		return fmt.Errorf("addresses %v", f.web.status.Public)
	})
	f.elb("SetSubnets", append([]string{"LoadBalancerArn", f.web.arn}, listOf("Subnets")(f.public...)...)...)
	f.eventually(patience, "the zone is gone", func() error {
		if f.look(&f.web); !slices.Equal(f.web.status.Public, known) {
			return fmt.Errorf("addresses %v", f.web.status.Public)
		}
		return nil
	})

	eip := f.ec2("AllocateAddress", "Domain", "vpc")
	f.allocations, f.elastic = append(f.allocations, eip.get("allocationId")), append(f.elastic, eip.get("publicIp"))
	f.elb("SetSubnets", append([]string{"LoadBalancerArn", f.flows.arn}, f.mappings(three)...)...)
	f.eventually(patience, "the network load balancer's new zone serves", func() error {
		_, err := talk(f.elastic[2] + ":7000")
		return err
	})
}

// deploys a new version of a service that is behind load balancers of both types.
func (f *fleet) deploys() {
	t := f.t
	f.targets("both-web", "HTTP", 8080)
	f.targets("both-flows", "TCP", 7000)
	for _, group := range []string{"both-web", "both-flows"} {
		f.set(f.groups[group], "deregistration_delay.timeout_seconds", "2")
	}
	f.rules(f.listeners["443"], 90, "/both", f.groups["both-web"])
	f.listener(&f.flows, "TCP", 7004, f.groups["both-flows"])
	behind := func(group string, port int32) types.LoadBalancer {
		return types.LoadBalancer{TargetGroupArn: new(f.groups[group]), ContainerName: new("target"), ContainerPort: &port}
	}
	if _, err := f.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: &f.cluster, ServiceName: new("both"), TaskDefinition: new(f.target("old")), DesiredCount: new(int32(2)), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: f.placement(f.private, f.taskGroup),
		LoadBalancers:        []types.LoadBalancer{behind("both-web", 8080), behind("both-flows", 7000)},
	}); err != nil {
		t.Fatal(err)
	}
	f.steady("both")
	f.healthy(f.groups["both-web"], 2)
	f.healthy(f.groups["both-flows"], 2)
	web, flows := f.load("/both", 7004)
	time.Sleep(time.Second) // of load on the old version
	f.roll("both", f.target("new"))
	for range 20 {
		if name, err := talk(f.elastic[0] + ":7004"); err != nil || name != "new" {
			t.Errorf("after the deployment %q answers, %v", name, err)
		}
	}
	web.check(t)
	flows.check(t)
}

// drains registers a target with groups of both load balancers and lets another one go, which has requests under way: they end well, and
// a flow goes on for as long as it likes.
func (f *fleet) drains() {
	t := f.t
	for _, group := range []string{"web", "flows"} {
		f.register(group, "c")
		f.healthy(f.groups[group], 3)
	}
	// Neither time limit comes before the requests are let go: the first is a minute at this scale.
	f.set(f.groups["web"], "deregistration_delay.timeout_seconds", "3600")
	f.set(f.web.arn, "idle_timeout.timeout_seconds", "300")
	flow := f.flowTo("a")
	over := f.transport("h2")
	defer over.CloseIdleConnections()
	ended := make(chan error, 12)
	for range cap(ended) {
		go func() {
			_, err := f.fetch(&http.Client{Transport: over, Timeout: patience}, "https://"+appDomain+"/held")
			ended <- err
		}()
	}
	inside := func(task, path string) (string, error) {
		said, err := f.exec(id(f.arns[task]), "/app", "get", "http://127.0.0.1:8080"+path)
		return strings.TrimSpace(said), err
	}
	f.eventually(patience, "the requests are with their targets", func() error {
		with, all := map[string]int{}, 0
		for _, task := range []string{"a", "b", "c"} {
			said, err := inside(task, "/held/count")
			if err != nil {
				return fmt.Errorf("%w: %s", err, said)
			}
			if with[task], err = strconv.Atoi(said); err != nil {
				return err
			}
			all += with[task]
		}
		if all != cap(ended) || with["a"] == 0 {
			return fmt.Errorf("%v", with)
		}
		return nil
	})
	for _, group := range []string{"web", "flows"} {
		f.elb("DeregisterTargets", "TargetGroupArn", f.groups[group], "Targets.member.1.Id", f.tasks["a"])
	}
	if s := f.stateOf("web", "a"); s != "draining" {
		t.Errorf("with requests under way the target is %q", s)
	}
	for _, task := range []string{"a", "b", "c"} {
		if said, err := inside(task, "/held/release"); err != nil {
			t.Errorf("%v: %s", err, said)
		}
	}
	f.eventually(patience, "it is gone", func() error {
		if s := f.stateOf("web", "a"); s != "" {
			return fmt.Errorf("%s", s)
		}
		return nil
	})
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Errorf("a request under way: %v", err)
		}
	}
	_ = flow.SetDeadline(time.Now().Add(loadPatience))
	if _, err := io.WriteString(flow, "still"); err != nil {
		t.Error(err)
	}
	if said, err := lineOf(flow, patience); said != "still" {
		t.Errorf("a flow to a target that is not registered any more: %q %v", said, err)
	}
	for _, group := range []string{"web", "flows"} {
		f.register(group, "a")
		f.healthy(f.groups[group], 3)
	}
}

// flowTo is a connection to a task through the network load balancer.
func (f *fleet) flowTo(task string) net.Conn {
	f.t.Helper()
	for range 100 {
		c, err := net.Dial("tcp", f.elastic[0]+":7000")
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { c.Close() })
		if said, err := lineOf(c, patience); err == nil && strings.HasPrefix(said, task+" ") {
			return c
		}
	}
	f.t.Fatalf("no connection of 100 leads to %s", task)
	return nil
}

// stateOf is a target's in a group, "" if it is not there.
func (f *fleet) stateOf(group, task string) string {
	f.t.Helper()
	for _, d := range f.elb("DescribeTargetHealth", "TargetGroupArn", f.groups[group]).all("TargetHealthDescriptions/member") {
		if d.get("Target/Id") == f.tasks[task] {
			return d.get("TargetHealth/State")
		}
	}
	return ""
}

// crashes of edge are over within a second for both kinds of load balancers, and those of serve cost nothing.
func (f *fleet) crashes() {
	t := f.t
	ways := map[string]func() error{
		"HTTPS": func() error {
			over := f.transport("h2")
			defer over.CloseIdleConnections()
			_, err := f.fetch(&http.Client{Transport: over, Timeout: 5 * time.Second}, "https://"+appDomain+"/")
			return err
		},
		"TCP": func() error { _, err := talk(f.elastic[0] + ":7000"); return err },
		"TLS": func() error { _, err := f.secured(loadPatience); return err },
	}
	_, begin := f.killEdge()
	var g sync.WaitGroup
	for name, try := range ways {
		g.Go(func() {
			err := try()
			for ; err != nil && time.Since(begin) < patience; err = try() {
				time.Sleep(5 * time.Millisecond)
			}
			took := time.Since(begin)
			t.Logf("%s is back %v after the kill of edge", name, took.Round(time.Millisecond))
			if err != nil || took > within(backIn) {
				t.Errorf("%s was back %v after the kill of edge, %v", name, took, err)
			}
		})
	}
	g.Wait()

	web, flows := f.load("/", 7000)
	time.Sleep(300 * time.Millisecond)
	f.kill()
	time.Sleep(time.Second) // of load without a control plane
	f.launch()
	f.healthy(f.groups["web"], 3)
	web.check(t)
	flows.check(t)
}
