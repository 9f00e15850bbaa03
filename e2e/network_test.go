package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
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
	w.eventually(time.Minute, "a task has seen this machine's address", func() error {
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
	w.eventually(time.Minute, "the task is told of this machine's address", func() error {
		if all := p.neargate("logs", id(w.running("web")[0])); !strings.Contains(all, " "+p.host.String()+"\n") {
			return fmt.Errorf("not %s in:\n%s", p.host, all)
		}
		return nil
	})
}
