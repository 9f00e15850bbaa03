package e2e

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestSecurityGroupsDecide: what a group does not admit does not arrive, by HTTP through a third task's group or by plain TCP, and
// arrives as soon as it is authorised.
func TestSecurityGroupsDecide(t *testing.T) {
	p := start(t)
	p.load(built.app, "demo/web:latest")
	p.load(built.probe, "test/probe:latest")
	w := p.build("10.0")
	server, caller, public := w.group("server"), w.group("caller"), w.group("public")

	upstream := w.reaches(w.runTask(w.web("upstream"), w.placement(w.private[1:], server)), "RUNNING")
	target := address(upstream)
	b := w.balancer("caller", public)
	w.admitGroup(caller, public, 8080)
	w.service("caller", w.web("caller", "UPSTREAM_URL", "http://"+target+":8080/"), 1, b, caller, 100, 200)
	prober := w.runTask(w.define("probe", probe("probe", "sleep")), w.placement(w.private[:1], caller))
	w.reaches(prober, "RUNNING")
	w.steady("caller")
	w.healthy(b.targets, 1)

	call := func() (int, string) {
		t.Helper()
		code, body, err := get(b.url+"/call", b.dns)
		if err != nil {
			t.Fatal(err)
		}
		return code, body
	}
	dial := func() error {
		out, err := p.exec(id(prober), "/app", "dial", target+":8080")
		if err != nil {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(out))
		}
		return nil
	}
	if out, err := p.exec(id(prober), "/app", "resolve", b.dns); err != nil || len(strings.Fields(out)) != 2 {
		t.Errorf("inside the VPC the load balancer's name is %q %v, want its two addresses", out, err)
	}
	if err := dial(); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("a connection that no rule admits: %v, want a timeout: the packet is dropped, not refused", err)
	}
	begin := time.Now()
	if code, body := call(); code != http.StatusBadGateway || time.Since(begin) < time.Second {
		t.Errorf("a call that no rule admits: %d %q after %v", code, body, time.Since(begin))
	}

	w.admitGroup(server, caller, 8080)
	p.eventually(patience, "authorised connections arrive", dial)
	p.eventually(patience, "an authorised call is answered", func() error {
		if code, body := call(); code != http.StatusOK || !strings.Contains(body, "version upstream") {
			return fmt.Errorf("%d %q", code, body)
		}
		return nil
	})
	if out, err := p.exec(id(prober), "/app", "dial", target+":8081"); err == nil {
		t.Errorf("the port beside the authorised one: %s", out)
	}

	w.ec2("RevokeSecurityGroupIngress", w.rule(server, 8080, "Groups.1.GroupId", caller)...)
	p.eventually(patience, "new connections are dropped after a revocation", func() error {
		if dial() == nil {
			return fmt.Errorf("connected")
		}
		return nil
	})
}

// TestWayOut: a private subnet has none until its route table leads to a NAT gateway, whose Elastic IP is what the other side sees.
func TestWayOut(t *testing.T) {
	p := start(t)
	p.load(built.probe, "test/probe:latest")
	w := p.build("10.0")
	listener, err := net.Listen("tcp", net.JoinHostPort(p.host.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var mu sync.Mutex
	met := map[string]bool{} // addresses that connections came from
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			mu.Lock()
			met[host] = true
			mu.Unlock()
			c.Close()
		}
	}()
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(maps.Keys(met))
	}

	definition := w.define("probe", probe("probe", "sleep"))
	inside := w.runTask(definition, w.placement(w.private[:1]))
	exposed := w.placement(w.public[:1])
	exposed.AwsvpcConfiguration.AssignPublicIp = types.AssignPublicIpEnabled
	outside := w.runTask(definition, exposed)
	unexposed := w.runTask(definition, w.placement(w.public[:1]))
	for _, task := range []string{inside, outside, unexposed} {
		w.reaches(task, "RUNNING")
	}
	dial := func(task string) error {
		out, err := p.exec(id(task), "/app", "dial", listener.Addr().String())
		if err != nil {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(out))
		}
		return nil
	}

	for name, task := range map[string]string{"a private subnet without a route": inside, "a public subnet without a public address": unexposed} {
		if dial(task) == nil {
			t.Errorf("%s has a way out, seen as %s", name, seen())
		}
	}
	// leaves waits until a task gets out, and is seen as nobody else: connections that it gave up may be seen later, too.
	leaves := func(what, task string, want ...string) {
		t.Helper()
		p.eventually(patience, what, func() error { return dial(task) })
		slices.Sort(want)
		p.eventually(patience, what+" as itself", func() error {
			if got := seen(); !slices.Equal(got, want) {
				return fmt.Errorf("seen: %s, want %s", got, want)
			}
			return nil
		})
	}
	public := w.publicAddress(outside)
	leaves("a task with a public address has a way out", outside, public)

	eip := p.ec2("AllocateAddress", "Domain", "vpc")
	nat := p.ec2("CreateNatGateway", "SubnetId", w.public[0], "AllocationId", eip.get("allocationId")).get("natGateway/natGatewayId")
	p.ec2("CreateRoute", "RouteTableId", w.privateTable, "DestinationCidrBlock", "0.0.0.0/0", "NatGatewayId", nat)
	leaves("there is a way out through the NAT gateway, by its Elastic IP", inside, public, eip.get("publicIp"))
	p.ec2("DeleteRoute", "RouteTableId", w.privateTable, "DestinationCidrBlock", "0.0.0.0/0")
	p.eventually(patience, "the way out is gone with the route", func() error {
		if dial(inside) == nil {
			return fmt.Errorf("connected")
		}
		return nil
	})
}

// publicAddress is the one that a task's network interface has.
func (w *world) publicAddress(task string) string {
	w.t.Helper()
	for _, a := range w.describe(task)[0].Attachments {
		for _, d := range a.Details {
			if aws.ToString(d.Name) == "networkInterfaceId" {
				found := w.ec2("DescribeNetworkInterfaces", "NetworkInterfaceId.1", *d.Value)
				return found.get("networkInterfaceSet/item/association/publicIp")
			}
		}
	}
	return ""
}
