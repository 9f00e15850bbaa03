package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/internal/edge/netns"
)

// network is an internet-facing Network Load Balancer with a TCP listener on port 80 and a group of addresses with client IP preservation.
func (w *world) network(name, group string) balancer {
	w.t.Helper()
	targets := w.elb("CreateTargetGroup", "Name", name, "Protocol", "TCP", "Port", "8080", "VpcId", w.vpc, "TargetType", "ip",
		"HealthCheckIntervalSeconds", "5", "HealthCheckTimeoutSeconds", "2", "HealthyThresholdCount", "2", "UnhealthyThresholdCount", "2",
	).get("TargetGroups/member/TargetGroupArn")
	w.elb("ModifyTargetGroupAttributes", "TargetGroupArn", targets,
		"Attributes.member.1.Key", "deregistration_delay.timeout_seconds", "Attributes.member.1.Value", "2",
		"Attributes.member.2.Key", "preserve_client_ip.enabled", "Attributes.member.2.Value", "true")
	return w.networkTo(name, group, targets)
}

// networkTo is one with a target group that is there; without a security group nothing is filtered.
func (w *world) networkTo(name, group, targets string) balancer {
	w.t.Helper()
	args := []string{"Name", name, "Type", "network", "Subnets.member.1", w.public[0], "Subnets.member.2", w.public[1]}
	if group != "" {
		w.admitAddresses(group, "0.0.0.0/0", 80)
		args = append(args, "SecurityGroups.member.1", group)
	}
	lb := w.elb("CreateLoadBalancer", args...)
	b := balancer{arn: lb.get("LoadBalancers/member/LoadBalancerArn"), dns: lb.get("LoadBalancers/member/DNSName"), targets: targets}
	w.elb("ModifyLoadBalancerAttributes", "LoadBalancerArn", b.arn, "Attributes.member.1.Key", "load_balancing.cross_zone.enabled", "Attributes.member.1.Value", "true")
	b.listener = w.elb("CreateListener", "LoadBalancerArn", b.arn, "Protocol", "TCP", "Port", "80", "DefaultActions.member.1.Type", "forward",
		"DefaultActions.member.1.TargetGroupArn", b.targets).get("Listeners/member/ListenerArn")
	w.eventually(steadyIn, "load balancer is active", func() error {
		if s := w.elb("DescribeLoadBalancers", "LoadBalancerArns.member.1", b.arn).get("LoadBalancers/member/State/Code"); s != "active" {
			return fmt.Errorf("%s", s)
		}
		return nil
	})
	for _, s := range w.status().LoadBalancers {
		if s.DNSName == b.dns {
			b.url = s.Address
		}
	}
	if b.url == "" {
		w.t.Fatalf("status does not tell where %s is reached", b.dns)
	}
	return b
}

// TestNetworkLoadBalancer: a service behind a Network Load Balancer is reached from this machine, sees this machine's own address although
// its group admits only the load balancer's group, and is deployed anew under load without a failed request, while serve is killed.
func TestNetworkLoadBalancer(t *testing.T) {
	p := start(t)
	p.load(built.app, "demo/web:latest")
	w := p.build("10.0")
	public, private := w.group("public"), w.group("private")
	w.admitGroup(private, public, 8080)
	b := w.network("net", public)
	w.service("web", w.web("v0"), 2, b, private, 100, 200)
	w.steady("web")
	w.healthy(b.targets, 2)
	w.only(b, "v0")
	w.eventually(patience, "a task has seen this machine's address", func() error {
		var all strings.Builder
		for _, task := range w.running("web") {
			all.WriteString(p.neargate("logs", id(task)))
		}
		if !strings.Contains(all.String(), p.host.String()+":") {
			return fmt.Errorf("not %s in:\n%s", p.host, all.String())
		}
		return nil
	})
	l := newLoad(t, b.url, b.dns)
	p.kill()
	time.Sleep(300 * time.Millisecond) // of load without a control plane
	p.launch()
	w.roll("web", w.web("v1"))
	l.check(t)
	w.only(b, "v1")
}

// TestApplicationBehindNetwork: a Network Load Balancer without security groups whose target is an Application Load Balancer, which sees and
// filters the clients' own addresses.
func TestApplicationBehindNetwork(t *testing.T) {
	p := start(t)
	w, inner := balanced(t, p, 1)
	targets := w.elb("CreateTargetGroup", "Name", "inner", "Protocol", "TCP", "Port", "80", "VpcId", w.vpc, "TargetType", "alb",
		"HealthCheckPath", "/healthz", "HealthCheckIntervalSeconds", "5", "HealthCheckTimeoutSeconds", "2",
	).get("TargetGroups/member/TargetGroupArn")
	w.elb("RegisterTargets", "TargetGroupArn", targets, "Targets.member.1.Id", inner.arn)
	outer := w.networkTo("outer", "", targets)
	w.healthy(targets, 1)
	for range 20 {
		w.only(outer, "v0")
	}
	w.eventually(patience, "the task is told of this machine's address", func() error {
		if all := p.neargate("logs", id(w.running("web")[0])); !strings.Contains(all, " "+p.host.String()+"\n") {
			return fmt.Errorf("not %s in:\n%s", p.host, all)
		}
		return nil
	})
}

// TestDatagrams: a task that answers datagrams, behind a Network Load Balancer's UDP listener, is asked from this machine and from another task. It
// sees who asks; its group admits the load balancer's group alone.
func TestDatagrams(t *testing.T) {
	p := start(t)
	p.load(built.probe, "test/probe:latest")
	w := p.build("10.0")
	public, private := w.group("public"), w.group("private")
	const port = 5353
	for _, group := range []string{public, private} {
		const r = "IpPermissions.1."
		peer := []string{r + "IpRanges.1.CidrIp", "0.0.0.0/0"}
		if group == private {
			peer = []string{r + "Groups.1.GroupId", public}
			w.admitGroup(group, public, port) // health checks
		}
		w.ec2("AuthorizeSecurityGroupIngress", append([]string{"GroupId", group, r + "IpProtocol", "udp", r + "FromPort", "5353", r + "ToPort", "5353"}, peer...)...)
	}
	definition := w.define("sleeper", probe("sleeper", "sleep", "600s"))
	server := w.reaches(w.runTask(definition, w.placement(w.private, private)), "RUNNING")
	asker := w.reaches(w.runTask(definition, w.placement(w.private[1:], private)), "RUNNING")
	opener := netns.NewOpener()
	defer opener.Close()
	inside := func(task types.Task) *netns.Namespace {
		n, err := opener.Open("/run/netns/ng-" + p.instance + "-" + detail(task, "networkInterfaceId"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		return n
	}
	at := netip.AddrPortFrom(netip.MustParseAddr(address(server)), port)
	answering(t, inside(server), at)

	targets := w.elb("CreateTargetGroup", "Name", "datagrams", "Protocol", "UDP", "Port", "5353", "VpcId", w.vpc, "TargetType", "ip",
		"HealthCheckIntervalSeconds", "5", "HealthCheckTimeoutSeconds", "2").get("TargetGroups/member/TargetGroupArn")
	w.elb("RegisterTargets", "TargetGroupArn", targets, "Targets.member.1.Id", at.Addr().String())
	lb := w.elb("CreateLoadBalancer", "Name", "datagrams", "Type", "network", "Subnets.member.1", w.public[0], "Subnets.member.2", w.public[1],
		"SecurityGroups.member.1", public)
	arn := lb.get("LoadBalancers/member/LoadBalancerArn")
	w.elb("ModifyLoadBalancerAttributes", "LoadBalancerArn", arn, "Attributes.member.1.Key", "load_balancing.cross_zone.enabled", "Attributes.member.1.Value", "true")
	w.elb("CreateListener", "LoadBalancerArn", arn, "Protocol", "UDP", "Port", "5353", "DefaultActions.member.1.Type", "forward",
		"DefaultActions.member.1.TargetGroupArn", targets)
	w.healthy(targets, 1)

	if seen := ask(t, nil, "127.0.0.1:5353"); !strings.HasPrefix(seen, p.host.String()+":") {
		t.Errorf("this machine is seen as %s", seen)
	}
	for _, node := range w.elb("DescribeLoadBalancers", "LoadBalancerArns.member.1", arn).all("LoadBalancers/member/AvailabilityZones/member/SubnetId") {
		i := w.ec2("DescribeNetworkInterfaces", "Filter.1.Name", "subnet-id", "Filter.1.Value.1", node.Text).get("networkInterfaceSet/item/privateIpAddress")
		if seen := ask(t, inside(asker), i+":5353"); !strings.HasPrefix(seen, address(asker)+":") {
			t.Errorf("by %s the asker is seen as %s", i, seen)
		}
	}
	if seen := tryAsk(t, inside(asker), at.String(), 5); seen != "" {
		t.Errorf("the asker reaches the target without the load balancer, as %s", seen)
	}
}

// answering answers datagrams with their sender's address, and accepts connections.
func answering(t *testing.T, n *netns.Namespace, at netip.AddrPort) {
	t.Helper()
	u, err := n.ListenUDP(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	l, err := n.ListenTCP(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			_, from, err := u.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = u.WriteToUDPAddrPort([]byte(from.String()), from)
		}
	}()
}

func ask(t *testing.T, n *netns.Namespace, to string) string {
	t.Helper()
	seen := tryAsk(t, n, to, int(patience/askPause))
	if seen == "" {
		t.Errorf("no answer from %s", to)
	}
	return seen
}

// askPause is how long an answer may take before tryAsk asks again.
const askPause = 100 * time.Millisecond

// tryAsk sends a datagram a few times until one is answered.
func tryAsk(t *testing.T, n *netns.Namespace, to string, times int) string {
	t.Helper()
	var c *net.UDPConn
	var err error
	if n == nil {
		c, err = net.ListenUDP("udp4", nil)
	} else {
		c, err = n.ListenUDP(netip.MustParseAddrPort("0.0.0.0:0"))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 100)
	for range times {
		if _, err := c.WriteToUDPAddrPort([]byte("?"), netip.MustParseAddrPort(to)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(askPause))
		if n, _, err := c.ReadFromUDPAddrPort(b); err == nil {
			return string(b[:n])
		}
	}
	return ""
}
