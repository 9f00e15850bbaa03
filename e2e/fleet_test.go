package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/internal/control"
)

// Names that the certificates of the load balancers have, besides their own.
const (
	appDomain  = "app.example.com"
	shopDomain = "shop.example.com"
)

// fleet is a world with tasks that speak every protocol (testdata/target), an Application Load Balancer and two Network Load
// Balancers before them.
type fleet struct {
	*world
	albGroup, nlbGroup, taskGroup string            // security groups
	tasks                         map[string]string // addresses of the tasks a, b and c by name
	arns                          map[string]string // of tasks
	groups                        map[string]string // target groups by name
	certificates                  map[string]string // by domain
	web, flows, inner             edgeOf            // ALB, NLB, internal NLB
	elastic, allocations          []string          // Elastic IPs of flows
	roots                         *x509.CertPool    // of the platform's authority
	bundle                        string            // the same as a file
	listeners                     map[string]string // of web by port
}

// edgeOf is a load balancer and where this machine reaches it.
type edgeOf struct {
	arn, dns string
	address  string // public
	status   control.LoadBalancerStatus
}

func (f *fleet) in(t *testing.T) *fleet {
	c := *f
	c.world = f.world.in(t)
	return &c
}

// TestFleet drives load balancers of both types with the clients that people have.
func TestFleet(t *testing.T) {
	p := alone(t, "--time-scale", "60")
	f := p.fleet()
	t.Run("clients", func(t *testing.T) {
		for _, c := range []struct {
			name string
			test func(*fleet)
		}{
			{"websocket", (*fleet).websockets},
			{"curl", (*fleet).curl},
			{"openssl", (*fleet).openssl},
			{"h2load", (*fleet).h2load},
			{"grpc", (*fleet).calls},
			{"events", (*fleet).events},
			{"trailers", (*fleet).trailers},
			{"mutual TLS", (*fleet).mutual},
			{"browser", (*fleet).browser},
			{"flows from this machine", (*fleet).flowsFromHere},
			{"flows from the VPC", (*fleet).flowsInside},
			{"flows and security groups", (*fleet).flowsGuarded},
			{"status", (*fleet).shown},
		} {
			t.Run(c.name, func(t *testing.T) { c.test(f.in(t)) })
		}
	})
	t.Run("logs", func(t *testing.T) { f.in(t).logged() })
	t.Run("metrics", func(t *testing.T) { f.in(t).measured() })
	t.Run("changes", func(t *testing.T) { f.in(t).changes() })
	t.Run("deployment", func(t *testing.T) { f.in(t).deploys() })
	f.crashes()
}

// listOf makes the parameters of a list, of texts or of structures with the same members: listOf("Attributes", "Key", "Value")("a", "1", "b", "2").
func listOf(list string, names ...string) func(values ...string) []string {
	return func(values ...string) (pairs []string) {
		for i, v := range values {
			name := fmt.Sprintf("%s.member.%d", list, i/max(len(names), 1)+1)
			if len(names) > 0 {
				name += "." + names[i%len(names)]
			}
			pairs = append(pairs, name, v)
		}
		return pairs
	}
}

var attributes = listOf("Attributes", "Key", "Value")

func (f *fleet) set(arn string, keysAndValues ...string) {
	f.t.Helper()
	action, param := "ModifyLoadBalancerAttributes", "LoadBalancerArn"
	if strings.Contains(arn, ":targetgroup/") {
		action, param = "ModifyTargetGroupAttributes", "TargetGroupArn"
	}
	f.elb(action, append([]string{param, arn}, attributes(keysAndValues...)...)...)
}

// fleet makes one.
func (p *platform) fleet() *fleet {
	p.t.Helper()
	p.load(built.target, "test/target:latest")
	f := &fleet{
		world: p.build("10.0"), tasks: map[string]string{}, arns: map[string]string{}, groups: map[string]string{}, certificates: map[string]string{},
		listeners: map[string]string{}, roots: x509.NewCertPool(), bundle: filepath.Join(p.t.TempDir(), "ca.pem"),
	}
	root := p.neargate("ca")
	if err := os.WriteFile(f.bundle, []byte(root), 0o600); err != nil || !f.roots.AppendCertsFromPEM([]byte(root)) {
		p.t.Fatalf("neargate ca: %v", err)
	}
	f.albGroup, f.nlbGroup, f.taskGroup = f.group("alb"), f.group("nlb"), f.group("tasks")
	f.admitAll(f.albGroup, "tcp", 80, 8443, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "tcp", 80, 80, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "tcp", 7000, 7001, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "tcp", 7004, 7004, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "tcp", 7003, 7003, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "udp", 7002, 7002, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.nlbGroup, "tcp", 7443, 7444, "IpRanges.1.CidrIp", "0.0.0.0/0")
	f.admitAll(f.taskGroup, "tcp", 8080, 9090, "Groups.1.GroupId", f.albGroup)
	f.admitAll(f.taskGroup, "tcp", 7000, 7002, "Groups.1.GroupId", f.nlbGroup)
	f.admitAll(f.taskGroup, "tcp", 8443, 8443, "Groups.1.GroupId", f.nlbGroup)
	f.admitAll(f.taskGroup, "udp", 7002, 7002, "Groups.1.GroupId", f.nlbGroup)
	for i, name := range []string{"a", "b", "c"} {
		f.arns[name] = f.runTask(f.target(name), f.placement(f.private[i%2:i%2+1], f.taskGroup))
	}
	f.requests(appDomain)
	f.requests(shopDomain)
	f.balancers()
	for name, arn := range f.arns {
		f.tasks[name] = address(f.reaches(arn, "RUNNING"))
	}
	f.behind()
	return f
}

// target is a definition of a task that has a name.
func (f *fleet) target(name string) string {
	return f.define("target", types.ContainerDefinition{
		Name: new("target"), Image: new("test/target:latest"), Environment: []types.KeyValuePair{{Name: new("NAME"), Value: &name}},
		PortMappings: []types.PortMapping{{ContainerPort: new(int32(8080))}, {ContainerPort: new(int32(7000))}},
	})
}

// admitAll opens ports of a group.
func (f *fleet) admitAll(group, protocol string, from, to int, peer, value string) {
	f.t.Helper()
	const p = "IpPermissions.1."
	f.ec2("AuthorizeSecurityGroupIngress", "GroupId", group, p+"IpProtocol", protocol, p+"FromPort", strconv.Itoa(from), p+"ToPort", strconv.Itoa(to), p+peer, value)
}

// requests has a certificate issued.
func (f *fleet) requests(domain string) {
	f.t.Helper()
	var out struct{ CertificateArn string }
	f.json("acm", "RequestCertificate", map[string]any{"DomainName": domain, "ValidationMethod": "DNS"}, &out)
	f.certificates[domain] = out.CertificateArn
	f.eventually(steadyIn, "certificate is issued", func() error {
		if s := f.certificate(out.CertificateArn).Status; s != "ISSUED" {
			return errors.New(s)
		}
		return nil
	})
}

// balancers makes the load balancers, without listeners.
func (f *fleet) balancers() {
	f.t.Helper()
	f.web = f.balancerOf("web", "SecurityGroups.member.1", f.albGroup, "Subnets.member.1", f.public[0], "Subnets.member.2", f.public[1])
	f.set(f.web.arn, "idle_timeout.timeout_seconds", "6")
	for range f.public {
		eip := f.ec2("AllocateAddress", "Domain", "vpc")
		f.allocations, f.elastic = append(f.allocations, eip.get("allocationId")), append(f.elastic, eip.get("publicIp"))
	}
	f.flows = f.balancerOf("flows", append(f.mappings(f.public), "Type", "network", "SecurityGroups.member.1", f.nlbGroup)...)
	f.inner = f.balancerOf("inner", "Type", "network", "Scheme", "internal", "SecurityGroups.member.1", f.nlbGroup,
		"SubnetMappings.member.1.SubnetId", f.private[0], "SubnetMappings.member.1.PrivateIPv4Address", "10.0.10.77",
		"SubnetMappings.member.2.SubnetId", f.private[1], "SubnetMappings.member.2.PrivateIPv4Address", "10.0.11.77")
	for _, lb := range []*edgeOf{&f.flows, &f.inner} {
		f.set(lb.arn, "load_balancing.cross_zone.enabled", "true")
	}
	for _, lb := range []*edgeOf{&f.web, &f.flows, &f.inner} {
		f.eventually(steadyIn, "load balancer is active", func() error {
			if s := f.elb("DescribeLoadBalancers", "LoadBalancerArns.member.1", lb.arn).get("LoadBalancers/member/State/Code"); s != "active" {
				return errors.New(s)
			}
			return nil
		})
		f.look(lb)
	}
	f.requests(f.web.dns)
	f.keepsLogs()
}

// mappings give each subnet its Elastic IP.
func (f *fleet) mappings(subnets []string) []string {
	var pairs []string
	for i, s := range subnets {
		pairs = append(pairs, s, f.allocations[i])
	}
	return listOf("SubnetMappings", "SubnetId", "AllocationId")(pairs...)
}

func (f *fleet) balancerOf(name string, args ...string) edgeOf {
	f.t.Helper()
	lb := f.elb("CreateLoadBalancer", append([]string{"Name", name}, args...)...)
	return edgeOf{arn: lb.get("LoadBalancers/member/LoadBalancerArn"), dns: lb.get("LoadBalancers/member/DNSName")}
}

// look reads what status tells of a load balancer.
func (f *fleet) look(lb *edgeOf) {
	f.t.Helper()
	for _, s := range f.world.status().LoadBalancers {
		if s.DNSName == lb.dns {
			lb.status = s
			if len(s.Public) > 0 {
				lb.address = s.Public[0]
			}
			return
		}
	}
	f.t.Fatalf("status does not know %s", lb.dns)
}

// behind makes target groups and listeners.
func (f *fleet) behind() {
	f.t.Helper()
	f.targets("web", "HTTP", 8080, "a", "b")
	f.targets("sticky", "HTTP", 8080, "a", "b")
	f.set(f.groups["sticky"], "stickiness.enabled", "true", "stickiness.type", "lb_cookie")
	f.targets("spare", "HTTP", 8080, "c")
	f.targets("timed", "HTTP", 8080, "c")
	f.targets("two", "HTTP", 8081, "a", "ProtocolVersion", "HTTP2")
	f.targets("sealed", "HTTPS", 8443, "a", "b", "HealthCheckProtocol", "HTTPS")
	f.targets("sealed-two", "HTTPS", 8443, "a", "ProtocolVersion", "HTTP2", "HealthCheckProtocol", "HTTPS")
	f.targets("calls", "HTTP", 9090, "a", "b", "ProtocolVersion", "GRPC", "HealthCheckPath", "/grpc.health.v1.Health/Check", "Matcher.GrpcCode", "0")
	f.listener(&f.web, "HTTP", 80, f.groups["web"])
	tls := []string{"Certificates.member.1.CertificateArn", f.certificates[appDomain], "SslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06"}
	secure := f.listener(&f.web, "HTTPS", 443, f.groups["web"], tls...)
	f.elb("AddListenerCertificates", "ListenerArn", secure, "Certificates.member.1.CertificateArn", f.certificates[shopDomain],
		"Certificates.member.2.CertificateArn", f.certificates[f.web.dns])
	f.rules(secure, 1, "/sticky*", f.groups["sticky"])
	f.rules(secure, 2, "/test.Words/*", f.groups["calls"])
	f.rules(secure, 3, "/two", f.groups["two"])
	f.rules(secure, 4, "/timed", f.groups["timed"])
	f.rules(secure, 5, "/sealed", f.groups["sealed"])
	f.rules(secure, 6, "/resealed", f.groups["sealed-two"])
	f.rules(secure, 8, "/events*", f.groups["spare"]) // one target: who asks for an event meets who sends it
	f.elb("CreateRule", append([]string{
		"ListenerArn", secure, "Priority", "7", "Conditions.member.1.Field", "path-pattern", "Conditions.member.1.Values.member.1", "/weighed/*",
		"Actions.member.1.Type", "forward", "Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled", "true",
		"Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds", "600",
	}, listOf("Actions.member.1.ForwardConfig.TargetGroups", "TargetGroupArn", "Weight")(f.groups["sticky"], "50", f.groups["spare"], "50")...)...)
	f.rules(f.listeners["80"], 1, "/sticky*", f.groups["sticky"])

	f.targets("flows", "TCP", 7000, "a", "b")
	f.set(f.groups["flows"], "preserve_client_ip.enabled", "true", "deregistration_delay.timeout_seconds", "2")
	f.targets("proxied", "TCP", 7001, "a", "b", "HealthCheckPort", "7000")
	f.set(f.groups["proxied"], "proxy_protocol_v2.enabled", "true", "preserve_client_ip.enabled", "false")
	f.targets("datagrams", "UDP", 7002, "a", "b", "HealthCheckPort", "7000")
	f.targets("unsealed", "TCP", 7000, "a", "b")
	f.targets("resealed", "TLS", 8443, "a", "b")
	f.targets("guarded", "TCP", 7003, "c", "HealthCheckPort", "7000")
	f.targets("kept", "TCP", 7000, "a", "b")
	f.set(f.groups["kept"], "preserve_client_ip.enabled", "true")
	f.targets("asked", "UDP", 7002, "a", "b", "HealthCheckPort", "7000")
	f.targets("hidden", "TCP", 7000, "a", "b")
	f.set(f.groups["hidden"], "preserve_client_ip.enabled", "false")
	f.targets("alb", "TCP", 80, "TargetType", "alb", "HealthCheckPath", "/healthz")
	f.listener(&f.flows, "TCP", 7000, f.groups["flows"])
	f.listener(&f.flows, "TCP", 7001, f.groups["proxied"])
	f.listener(&f.flows, "UDP", 7002, f.groups["datagrams"])
	f.listener(&f.flows, "TCP", 7003, f.groups["guarded"])
	f.listener(&f.flows, "TLS", 7443, f.groups["unsealed"], tls...)
	f.listener(&f.flows, "TLS", 7444, f.groups["resealed"], append(tls, "AlpnPolicy.member.1", "HTTP2Preferred")...)
	f.listener(&f.flows, "TCP", 80, f.groups["alb"])
	f.elb("RegisterTargets", "TargetGroupArn", f.groups["alb"], "Targets.member.1.Id", f.web.arn)
	f.listener(&f.inner, "TCP", 7000, f.groups["kept"])
	f.listener(&f.inner, "TCP", 7001, f.groups["hidden"])
	f.listener(&f.inner, "UDP", 7002, f.groups["asked"])
	for name, count := range map[string]int{
		"web": 2, "sticky": 2, "spare": 1, "timed": 1, "two": 1, "calls": 2, "sealed": 2, "sealed-two": 1,
		"flows": 2, "proxied": 2, "datagrams": 2, "unsealed": 2, "resealed": 2, "guarded": 1, "kept": 2, "hidden": 2, "asked": 2, "alb": 1,
	} {
		f.healthy(f.groups[name], count)
	}
	f.look(&f.web)
	f.look(&f.flows)
}

// targets makes a target group with tasks, whose names are one letter; what follows are further parameters.
func (f *fleet) targets(name, protocol string, port int, more ...string) {
	f.t.Helper()
	var tasks []string
	for len(more) > 0 && len(more[0]) == 1 {
		tasks, more = append(tasks, more[0]), more[1:]
	}
	args := append([]string{"Name", name, "Protocol", protocol, "Port", strconv.Itoa(port), "VpcId", f.vpc}, more...)
	given := map[string]bool{}
	for i := 0; i < len(more); i += 2 {
		given[more[i]] = true
	}
	defaults := []string{"TargetType", "ip", "HealthCheckIntervalSeconds", "5", "HealthCheckTimeoutSeconds", "2", "HealthyThresholdCount", "2", "UnhealthyThresholdCount", "2"}
	for i := 0; i < len(defaults); i += 2 {
		if !given[defaults[i]] {
			args = append(args, defaults[i], defaults[i+1])
		}
	}
	f.groups[name] = f.elb("CreateTargetGroup", args...).get("TargetGroups/member/TargetGroupArn")
	for _, task := range tasks {
		f.register(name, task)
	}
}

func (f *fleet) register(group, task string) {
	f.t.Helper()
	f.elb("RegisterTargets", "TargetGroupArn", f.groups[group], "Targets.member.1.Id", f.tasks[task])
}

func (f *fleet) listener(lb *edgeOf, protocol string, port int, targets string, more ...string) string {
	f.t.Helper()
	arn := f.elb("CreateListener", append([]string{
		"LoadBalancerArn", lb.arn, "Protocol", protocol, "Port", strconv.Itoa(port), "DefaultActions.member.1.Type", "forward",
		"DefaultActions.member.1.TargetGroupArn", targets,
	}, more...)...).get("Listeners/member/ListenerArn")
	if lb == &f.web {
		f.listeners[strconv.Itoa(port)] = arn
	}
	return arn
}

// rules makes a rule for a path.
func (f *fleet) rules(listener string, priority int, path, targets string) string {
	f.t.Helper()
	return f.elb("CreateRule", "ListenerArn", listener, "Priority", strconv.Itoa(priority), "Conditions.member.1.Field", "path-pattern",
		"Conditions.member.1.Values.member.1", path, "Actions.member.1.Type", "forward", "Actions.member.1.TargetGroupArn", targets,
	).get("Rules/member/RuleArn")
}

// transport leads every name to the application load balancer's public address, by HTTP/1.1 or HTTP/2.
func (f *fleet) transport(protocols string) *http.Transport {
	var p http.Protocols
	p.SetHTTP1(protocols == "http/1.1")
	p.SetHTTP2(protocols == "h2")
	address := f.web.address // tests look again while the transport is in use
	return &http.Transport{
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(to)
			if err != nil {
				return nil, err
			}
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(address, port))
		},
		TLSClientConfig: &tls.Config{RootCAs: f.roots}, Protocols: &p,
	}
}

// seen is a request as a target has seen it.
type seen struct {
	Name, Protocol, Method, Host, URI, From string
	TLS                                     bool
	Header                                  http.Header
}

// fetch asks for a page as app.example.com.
func (f *fleet) fetch(c *http.Client, url string) (string, error) {
	res, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.100q", res.Status, body)
	}
	return string(body), err
}

func (f *fleet) echoed(body string) seen {
	f.t.Helper()
	var s seen
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		f.t.Fatalf("%v: %q", err, body)
	}
	return s
}

// line is what a target says to a new connection within a while.
func line(network, address string, limit time.Duration) (string, error) {
	c, err := net.DialTimeout(network, address, limit)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return lineOf(c, limit)
}

// lineOf reads from a connection, or has a datagram answered: one that is lost is sent again.
func lineOf(c net.Conn, limit time.Duration) (string, error) {
	datagrams := strings.HasPrefix(c.LocalAddr().Network(), "udp")
	buf := make([]byte, 512)
	for end := time.Now().Add(limit); ; {
		now := time.Now()
		_ = c.SetDeadline(end)
		if datagrams {
			_ = c.SetDeadline(now.Add(min(impatience, end.Sub(now))))
			if _, err := io.WriteString(c, "hello"); err != nil {
				return "", err
			}
		}
		n, err := c.Read(buf)
		if datagrams && errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end) {
			continue
		}
		return strings.TrimSpace(string(buf[:n])), err
	}
}
