package elbv2_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/state"
)

// networkDesk is a desk with a Network Load Balancer and a TCP target group besides.
type networkDesk struct {
	*desk
	nlb, tcp string // ARNs
}

func newNetworkDesk(t *testing.T) *networkDesk {
	t.Helper()
	d := &networkDesk{desk: newDesk(t)}
	lb := must(t)(d.CreateLoadBalancer(d.ctx, &elbv2api.CreateLoadBalancerInput{Name: new("static"), Type: new("network"), Subnets: d.subnets()}))
	d.nlb = *lb.(*elbv2api.CreateLoadBalancerOutput).LoadBalancers[0].LoadBalancerArn
	d.tcp = d.groupOf(t, "tcp", "TCP", "ip")
	return d
}

func (d *networkDesk) groupOf(t *testing.T, name, protocol, kind string) string {
	t.Helper()
	in := d.groupInput(name)
	in.Protocol, in.TargetType = &protocol, &kind
	if kind == "alb" {
		in.Port = new(int32(80))
	}
	out := must(t)(d.CreateTargetGroup(d.ctx, in)).(*elbv2api.CreateTargetGroupOutput)
	return *out.TargetGroups[0].TargetGroupArn
}

func (d *networkDesk) listen(protocol, group string, port int32, change func(in *elbv2api.CreateListenerInput)) error {
	in := &elbv2api.CreateListenerInput{
		LoadBalancerArn: &d.nlb, Protocol: &protocol, Port: &port, DefaultActions: []elbv2api.Action{{Type: new("forward"), TargetGroupArn: &group}},
	}
	if change != nil {
		change(in)
	}
	_, err := d.CreateListener(d.ctx, in)
	return err
}

func TestNetworkLoadBalancerShape(t *testing.T) {
	d := newNetworkDesk(t)
	out := must(t)(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"static"}})).(*elbv2api.DescribeLoadBalancersOutput)
	lb := out.LoadBalancers[0]
	m := regexp.MustCompile(`^arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/static/([0-9a-f]{16})$`).FindStringSubmatch(*lb.LoadBalancerArn)
	if m == nil {
		t.Fatalf("ARN %s", *lb.LoadBalancerArn)
	}
	if want := "static-" + m[1] + ".us-east-1.elb.localhost"; *lb.DNSName != want {
		t.Errorf("DNS name %s, want %s", *lb.DNSName, want)
	}
	if *lb.Type != "network" || *lb.CanonicalHostedZoneId != "Z26RNL4JYFTOTI" || lb.SecurityGroups != nil || lb.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic != nil {
		t.Errorf("load balancer %+v", lb)
	}
	tx := d.Store.View()
	row, _ := d.Balance.LoadBalancers.Get(tx, d.nlb)
	for _, n := range row.Nodes {
		i, _ := d.Network.Interface(tx, n.InterfaceID)
		if i.Type != "network_load_balancer" || i.SourceDestCheck || len(i.Groups) != 0 || i.Description != "ELB net/static/"+m[1] {
			t.Errorf("interface %+v", i)
		}
	}
	_, err := d.SetSecurityGroups(d.ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: &d.nlb, SecurityGroups: []string{d.Group.ID}})
	check(t, err, "InvalidConfigurationRequest: You cannot set security groups on a Network Load Balancer which was created without any security groups.")
}

func TestNetworkLoadBalancerWithSecurityGroups(t *testing.T) {
	d := newDesk(t)
	out := must(t)(d.CreateLoadBalancer(d.ctx, &elbv2api.CreateLoadBalancerInput{
		Name: new("guarded"), Type: new("network"), Scheme: new("internal"), Subnets: d.subnets()[:1], SecurityGroups: []string{d.Group.ID},
	})).(*elbv2api.CreateLoadBalancerOutput)
	lb := out.LoadBalancers[0]
	if *lb.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic != "on" || strings.HasPrefix(*lb.DNSName, "internal-") {
		t.Errorf("load balancer %+v", lb)
	}
	set := must(t)(d.SetSecurityGroups(d.ctx, &elbv2api.SetSecurityGroupsInput{
		LoadBalancerArn: lb.LoadBalancerArn, SecurityGroups: []string{d.VPC.DefaultGroupID}, EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: new("off"),
	})).(*elbv2api.SetSecurityGroupsOutput)
	if *set.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic != "off" || !slices.Equal(set.SecurityGroupIds, []string{d.VPC.DefaultGroupID}) {
		t.Errorf("set %+v", set)
	}
}

func TestStaticAddresses(t *testing.T) {
	d := newDesk(t)
	var eips []string
	d.Do(t, func(tx *state.Tx) error {
		for range 3 {
			a, err := d.Network.AllocateAddress(tx, balancetest.Scope)
			if err != nil {
				return err
			}
			eips = append(eips, a.ID)
		}
		return nil
	})
	mapping := func(i int, allocation, private string) elbv2api.SubnetMapping {
		m := elbv2api.SubnetMapping{SubnetId: new(d.Subnets[i].ID)}
		if allocation != "" {
			m.AllocationId = &allocation
		}
		if private != "" {
			m.PrivateIPv4Address = &private
		}
		return m
	}
	for _, c := range []struct {
		name, kind, scheme string
		mappings           []elbv2api.SubnetMapping
		want               string
	}{
		{"eips", "network", "internet-facing", []elbv2api.SubnetMapping{mapping(0, eips[0], ""), mapping(1, eips[1], "")}, ""},
		{"eips-again", "network", "internet-facing", []elbv2api.SubnetMapping{mapping(2, eips[0], "")}, "InvalidConfigurationRequest: The allocation ID '" + eips[0] + "' is already associated"},
		{"eip-internal", "network", "internal", []elbv2api.SubnetMapping{mapping(0, eips[2], "")}, "InvalidConfigurationRequest: Elastic IP addresses are not supported for load balancers with scheme 'internal'"},
		{"eip-unknown", "network", "internet-facing", []elbv2api.SubnetMapping{mapping(0, "eipalloc-1", "")}, "AllocationIdNotFound: The allocation IDs 'eipalloc-1' do not exist"},
		{"eip-some", "network", "internet-facing", []elbv2api.SubnetMapping{mapping(0, eips[2], ""), mapping(1, "", "")}, "InvalidConfigurationRequest: You must specify an Elastic IP address for each subnet or for none of them"},
		{"private", "network", "internal", []elbv2api.SubnetMapping{mapping(0, "", "10.0.0.77")}, ""},
		{"private-taken", "network", "internal", []elbv2api.SubnetMapping{mapping(0, "", "10.0.0.77")}, "InvalidConfigurationRequest: The private IPv4 address '10.0.0.77' is already in use"},
		{"private-elsewhere", "network", "internal", []elbv2api.SubnetMapping{mapping(0, "", "10.0.1.77")}, "InvalidConfigurationRequest: The private IPv4 address '10.0.1.77' is not valid for the subnet"},
		{"private-public", "network", "internet-facing", []elbv2api.SubnetMapping{mapping(0, "", "10.0.0.78")}, "InvalidConfigurationRequest: Private IPv4 addresses are not supported for load balancers with scheme 'internet-facing'"},
		{"eip-alb", "application", "internet-facing", []elbv2api.SubnetMapping{mapping(0, eips[2], ""), mapping(1, "", "")}, "InvalidConfigurationRequest: Elastic IP addresses are not supported for load balancers with type 'application'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.CreateLoadBalancer(d.ctx, &elbv2api.CreateLoadBalancerInput{Name: &c.name, Type: &c.kind, Scheme: &c.scheme, SubnetMappings: c.mappings})
			check(t, err, c.want)
		})
	}
	out := must(t)(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"eips", "private"}})).(*elbv2api.DescribeLoadBalancersOutput)
	var want []elbv2api.LoadBalancerAddress
	for _, id := range eips[:2] {
		a, err := d.Network.Allocation(d.Store.View(), balancetest.Scope, id)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, elbv2api.LoadBalancerAddress{IpAddress: new(a.PublicIP.String()), AllocationId: new(id)})
	}
	want = append(want, elbv2api.LoadBalancerAddress{PrivateIPv4Address: new("10.0.0.77")})
	var got []elbv2api.LoadBalancerAddress
	for _, lb := range out.LoadBalancers {
		for _, z := range lb.AvailabilityZones {
			got = append(got, z.LoadBalancerAddresses...)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}

	// The Elastic IP addresses outlive the load balancer.
	must(t)(d.DeleteLoadBalancer(d.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: out.LoadBalancers[0].LoadBalancerArn}))
	for _, id := range eips {
		if a, err := d.Network.Allocation(d.Store.View(), balancetest.Scope, id); err != nil || a.AssociationID != "" {
			t.Errorf("address %s is %+v, %v", id, a, err)
		}
	}
}

// Which listeners forward to which target groups.
func TestProtocolMatrix(t *testing.T) {
	d := newNetworkDesk(t)
	groups := map[string]string{"HTTP": d.group, "TCP": d.tcp}
	for _, p := range []string{"TLS", "UDP", "TCP_UDP"} {
		groups[p] = d.groupOf(t, strings.ToLower(strings.ReplaceAll(p, "_", "-")), p, "ip")
	}
	port := int32(1000)
	for listener, fits := range map[string][]string{
		"TCP": {"TCP", "TCP_UDP"}, "TLS": {"TCP", "TLS"}, "UDP": {"UDP", "TCP_UDP"}, "TCP_UDP": {"TCP_UDP"},
	} {
		for group, arn := range groups {
			port++
			want := ""
			switch {
			case group == "HTTP":
				want = "TargetGroupAssociationLimit: "
			case !slices.Contains(fits, group):
				want = "IncompatibleProtocols: The listener and its associated target group '" + arn + "' have incompatible protocols: '" + listener + "' and '" + group + "'"
			}
			err := d.listen(listener, arn, port, func(in *elbv2api.CreateListenerInput) {
				if listener == "TLS" {
					in.Certificates = certificates(1)
				}
			})
			check(t, err, want)
		}
	}
	_, err := d.CreateListener(d.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: &d.lb, Port: new(int32(81)), Protocol: new("HTTP"), DefaultActions: []elbv2api.Action{{Type: new("forward"), TargetGroupArn: new(d.groupOf(t, "free", "TCP", "ip"))}}})
	check(t, err, "IncompatibleProtocols: ")
}

func TestNetworkListenerRefusals(t *testing.T) {
	d := newNetworkDesk(t)
	type in = elbv2api.CreateListenerInput
	for _, c := range []struct {
		name, protocol string
		change         func(in *in)
		want           string
	}{
		{"HTTP", "HTTP", nil, "ValidationError: Listener protocol 'HTTP' must be one of 'TLS, TCP, TCP_UDP, UDP'"},
		{"QUIC", "QUIC", nil, "NotImplemented: Neargate does not implement listener protocol QUIC"},
		{"no certificate", "TLS", nil, "ValidationError: A certificate must be specified for TLS listeners"},
		{"certificate", "TCP", func(in *in) { in.Certificates = certificates(1) }, "ValidationError: Certificates cannot be specified for listeners with protocol 'TCP'"},
		{"redirect", "TCP", func(in *in) {
			in.DefaultActions = []elbv2api.Action{{Type: new("redirect"), RedirectConfig: &elbv2api.RedirectActionConfig{StatusCode: new("HTTP_301"), Port: new("1")}}}
		}, "InvalidLoadBalancerAction: Only actions of type 'forward'"},
		{"unknown ALPN", "TLS", func(in *in) { in.Certificates, in.AlpnPolicy = certificates(1), []string{"HTTP3"} }, "ALPNPolicyNotFound: "},
		{"mutual", "TLS", func(in *in) {
			in.Certificates, in.MutualAuthentication = certificates(1), &elbv2api.MutualAuthenticationAttributes{Mode: new("passthrough")}
		}, "ValidationError: Mutual authentication cannot be specified for listeners with protocol 'TLS'"},
		{"ALPN", "TLS", func(in *in) { in.Certificates, in.AlpnPolicy = certificates(1), []string{"HTTP2Preferred"} }, ""},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, d.listen(c.protocol, d.tcp, 443, c.change), c.want) })
	}
}

func TestNetworkTargetGroupDefaults(t *testing.T) {
	d := newNetworkDesk(t)
	for _, c := range []struct {
		protocol, kind string
		check          elbv2api.TargetGroup
		attributes     map[string]string
	}{
		{"TCP", "ip", elbv2api.TargetGroup{HealthCheckProtocol: new("TCP"), HealthCheckTimeoutSeconds: new(int32(10))}, map[string]string{
			"preserve_client_ip.enabled": "false", "deregistration_delay.connection_termination.enabled": "false",
			"target_health_state.unhealthy.connection_termination.enabled": "true", "stickiness.type": "source_ip",
			"proxy_protocol_v2.enabled": "false", "target_health_state.unhealthy.draining_interval_seconds": "0",
			"deregistration_delay.timeout_seconds": "300", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
		}},
		{"TLS", "ip", elbv2api.TargetGroup{HealthCheckProtocol: new("TCP"), HealthCheckTimeoutSeconds: new(int32(10))}, map[string]string{"preserve_client_ip.enabled": "false"}},
		{"TCP", "instance", elbv2api.TargetGroup{HealthCheckProtocol: new("TCP"), HealthCheckTimeoutSeconds: new(int32(10))}, map[string]string{"preserve_client_ip.enabled": "true"}},
		{"UDP", "ip", elbv2api.TargetGroup{HealthCheckProtocol: new("TCP"), HealthCheckTimeoutSeconds: new(int32(10))}, map[string]string{
			"preserve_client_ip.enabled": "true", "deregistration_delay.connection_termination.enabled": "true",
			"target_health_state.unhealthy.connection_termination.enabled": "false",
		}},
		{"TCP", "alb", elbv2api.TargetGroup{
			HealthCheckProtocol: new("HTTP"), HealthCheckTimeoutSeconds: new(int32(6)), HealthCheckPath: new("/"), Matcher: &elbv2api.Matcher{HttpCode: new("200-399")},
		}, map[string]string{"preserve_client_ip.enabled": "true"}},
	} {
		name := strings.ToLower(c.protocol + "-" + c.kind)
		t.Run(name, func(t *testing.T) {
			arn := d.groupOf(t, name, c.protocol, c.kind)
			out := must(t)(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{arn}})).(*elbv2api.DescribeTargetGroupsOutput)
			g := out.TargetGroups[0]
			got := elbv2api.TargetGroup{HealthCheckProtocol: g.HealthCheckProtocol, HealthCheckTimeoutSeconds: g.HealthCheckTimeoutSeconds, HealthCheckPath: g.HealthCheckPath, Matcher: g.Matcher}
			if diff := cmp.Diff(c.check, got); diff != "" {
				t.Errorf("health check (-want +got):\n%s", diff)
			}
			if g.ProtocolVersion != nil || *g.HealthyThresholdCount != 5 || *g.UnhealthyThresholdCount != 2 || *g.HealthCheckIntervalSeconds != 30 {
				t.Errorf("group %+v", g)
			}
			shown := must(t)(d.DescribeTargetGroupAttributes(d.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})).(*elbv2api.DescribeTargetGroupAttributesOutput)
			have := map[string]string{}
			for _, a := range shown.Attributes {
				have[*a.Key] = *a.Value
			}
			for key, want := range c.attributes {
				if have[key] != want {
					t.Errorf("%s is %q, want %q", key, have[key], want)
				}
			}
		})
	}
}

func TestNetworkAttributes(t *testing.T) {
	d := newNetworkDesk(t)
	udp, alb := d.groupOf(t, "udp", "UDP", "ip"), d.groupOf(t, "alb", "TCP", "alb")
	for _, c := range []struct {
		arn, key, value, want string
	}{
		{d.tcp, "preserve_client_ip.enabled", "true", ""},
		{udp, "preserve_client_ip.enabled", "false", "InvalidConfigurationRequest: "},
		{alb, "preserve_client_ip.enabled", "false", "InvalidConfigurationRequest: "},
		{alb, "deregistration_delay.timeout_seconds", "60", "InvalidConfigurationRequest: The value '60' for the target group attribute 'deregistration_delay.timeout_seconds' is not valid"},
		{alb, "deregistration_delay.timeout_seconds", "300", ""},
		{alb, "stickiness.enabled", "true", "InvalidConfigurationRequest: "},
		{udp, "target_health_state.unhealthy.connection_termination.enabled", "true", "InvalidConfigurationRequest: "},
		{d.tcp, "stickiness.type", "lb_cookie", "InvalidConfigurationRequest: "},
		{d.tcp, "stickiness.enabled", "true", ""},
		{d.tcp, "target_health_state.unhealthy.draining_interval_seconds", "60", "InvalidConfigurationRequest: You cannot set"},
		{d.tcp, "slow_start.duration_seconds", "30", "ValidationError: Target group attribute key 'slow_start.duration_seconds' is not recognized"},
		{d.nlb, "load_balancing.cross_zone.enabled", "true", ""},
		{d.nlb, "dns_record.client_routing_policy", "availability_zone_affinity", "NotImplemented: Neargate does not implement load balancer attribute dns_record.client_routing_policy=availability_zone_affinity"},
		{d.nlb, "idle_timeout.timeout_seconds", "60", "ValidationError: Load balancer attribute key 'idle_timeout.timeout_seconds' is not recognized"},
		{d.nlb, "secondary_ips.auto_assigned.per_subnet", "1", "NotImplemented: "},
	} {
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			var err error
			if c.arn == d.nlb {
				_, err = d.ModifyLoadBalancerAttributes(d.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &c.arn, Attributes: []elbv2api.LoadBalancerAttribute{{Key: &c.key, Value: &c.value}}})
			} else {
				_, err = d.ModifyTargetGroupAttributes(d.ctx, &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: &c.arn, Attributes: []elbv2api.TargetGroupAttribute{{Key: &c.key, Value: &c.value}}})
			}
			check(t, err, c.want)
		})
	}
}

// An Application Load Balancer as a target of a Network Load Balancer.
func TestLoadBalancerAsTarget(t *testing.T) {
	d := newNetworkDesk(t)
	alb := d.groupOf(t, "alb", "TCP", "alb")
	register := func(id string, port int32) error {
		in := elbv2api.TargetDescription{Id: &id}
		if port != 0 {
			in.Port = &port
		}
		_, err := d.RegisterTargets(d.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: &alb, Targets: []elbv2api.TargetDescription{in}})
		return err
	}
	check(t, register("10.0.0.9", 0), "InvalidTarget: ")
	check(t, register(d.nlb, 0), "InvalidTarget: ")
	check(t, register(d.lb, 81), "ValidationError: If the target type is ALB, the target must have at least one listener that matches the target group port or any specified port overrides")
	check(t, register(d.lb, 0), "")
	check(t, d.listen("TLS", alb, 443, func(in *elbv2api.CreateListenerInput) { in.Certificates = certificates(1) }), "IncompatibleProtocols: ")
	check(t, d.listen("TCP", alb, 80, nil), "")

	_, err := d.DeleteListener(d.ctx, &elbv2api.DeleteListenerInput{ListenerArn: &d.listener})
	check(t, err, "ResourceInUse: Listener port '80' is in use by registered target '"+d.lb+"' and cannot be removed.")
	_, err = d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &d.listener, Port: new(int32(8080))})
	check(t, err, "ResourceInUse: ")
	_, err = d.DeleteLoadBalancer(d.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: &d.lb})
	check(t, err, "ResourceInUse: ")

	health := must(t)(d.DescribeTargetHealth(d.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: &alb})).(*elbv2api.DescribeTargetHealthOutput)
	want := []elbv2api.TargetHealthDescription{{
		Target: &elbv2api.TargetDescription{Id: &d.lb, Port: new(int32(80))}, HealthCheckPort: new("80"),
		TargetHealth: &elbv2api.TargetHealth{State: new("initial"), Reason: new("Elb.RegistrationInProgress"), Description: new("Target registration is in progress")},
	}}
	if diff := cmp.Diff(want, health.TargetHealthDescriptions); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}

	must(t)(d.DeregisterTargets(d.ctx, &elbv2api.DeregisterTargetsInput{TargetGroupArn: &alb, Targets: []elbv2api.TargetDescription{{Id: &d.lb}}}))
	must(t)(d.DeleteLoadBalancer(d.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: &d.lb}))
	if targets := d.Balance.TargetsOf(d.Store.View(), alb); len(targets) != 0 {
		t.Errorf("targets of a load balancer that is gone: %v", targets)
	}
}

func TestNetworkLoadBalancerInOneZone(t *testing.T) {
	d := newNetworkDesk(t)
	one := must(t)(d.SetSubnets(d.ctx, &elbv2api.SetSubnetsInput{LoadBalancerArn: &d.nlb, Subnets: d.subnets()[1:2]})).(*elbv2api.SetSubnetsOutput)
	if len(one.AvailabilityZones) != 1 || *one.AvailabilityZones[0].ZoneName != "us-east-1b" {
		t.Errorf("zones %+v", one.AvailabilityZones)
	}
	check(t, d.listen("TCP", d.tcp, 80, nil), "")
	listener := d.Balance.ListenersOf(d.Store.View(), d.nlb)[0].ARN
	_, err := d.CreateRule(d.ctx, &elbv2api.CreateRuleInput{
		ListenerArn: &listener, Priority: new(int32(1)), Conditions: onPath("/"), Actions: []elbv2api.Action{{Type: new("forward"), TargetGroupArn: &d.tcp}},
	})
	check(t, err, "InvalidConfigurationRequest: Rules are not supported for listeners of load balancers with type 'network'")
}
