package elbv2_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/state"
)

// fields are members of an answer by their path, with a pattern that all their values match.
type fields map[string]string

func (f fields) and(others ...fields) fields {
	all := fields{}
	for _, m := range append([]fields{f}, others...) {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

const (
	anARN      = `arn:aws:elasticloadbalancing:us-east-1:123456789012:`
	anID       = `[0-9a-f]{16}`
	albARN     = anARN + `loadbalancer/app/web/` + anID
	groupARN   = anARN + `targetgroup/[a-z-]+/` + anID
	listenARN  = anARN + `listener/app/web/` + anID + `/` + anID
	rulesARN   = anARN + `listener-rule/app/web/` + anID + `/` + anID + `/` + anID
	certifARN  = `arn:aws:acm:us-east-1:123456789012:certificate/.+`
	timestamps = `\d{4}-\d\d-\d\dT.*Z`
)

// What the examples in the Elastic Load Balancing API Reference and the AWS CLI Command Reference show of each kind of resource, and what
// the data types of the reference have had since.
var documented = struct {
	alb, nlb, listener, secure, rule, group, check, health fields
}{
	alb: fields{
		"Type": "application", "Scheme": "internet-facing", "IpAddressType": "ipv4", "VpcId": "vpc-[0-9a-f]+", "CreatedTime": timestamps,
		"AvailabilityZones[].ZoneName": "us-east-1[abc]", "AvailabilityZones[].SubnetId": "subnet-[0-9a-f]+", "CanonicalHostedZoneId": "Z[A-Z0-9]+",
		"DNSName": `web-\d+\.us-east-1\.elb\..+`, "SecurityGroups[]": "sg-[0-9a-f]+", "LoadBalancerName": "web", "State.Code": "provisioning|active",
		"LoadBalancerArn": albARN, "AvailabilityZones[].LoadBalancerAddresses[]": "",
	},
	nlb: fields{
		"Type": "network", "Scheme": "internet-facing", "IpAddressType": "ipv4", "VpcId": "vpc-[0-9a-f]+", "CreatedTime": timestamps,
		"AvailabilityZones[].ZoneName": "us-east-1b", "AvailabilityZones[].SubnetId": "subnet-[0-9a-f]+", "CanonicalHostedZoneId": "Z[A-Z0-9]+",
		"AvailabilityZones[].LoadBalancerAddresses[].IpAddress": `\d+\.\d+\.\d+\.\d+`, "AvailabilityZones[].LoadBalancerAddresses[].AllocationId": "eipalloc-[0-9a-f]+",
		"DNSName": `static-` + anID + `\..+`, "LoadBalancerName": "static", "State.Code": "provisioning|active", "LoadBalancerArn": anARN + `loadbalancer/net/static/` + anID,
	},
	listener: fields{
		"ListenerArn": listenARN, "LoadBalancerArn": albARN, "Protocol": "HTTP", "Port": "80",
		"DefaultActions[].Type": "forward", "DefaultActions[].TargetGroupArn": groupARN,
		"DefaultActions[].ForwardConfig.TargetGroups[].TargetGroupArn": groupARN, "DefaultActions[].ForwardConfig.TargetGroups[].Weight": "1",
		"DefaultActions[].ForwardConfig.TargetGroupStickinessConfig.Enabled": "false",
	},
	secure: fields{
		"Protocol": "HTTPS", "Port": "443", "SslPolicy": "ELBSecurityPolicy-2016-08", "Certificates[].CertificateArn": certifARN, "MutualAuthentication.Mode": "off",
	},
	rule: fields{
		"RuleArn": rulesARN, "Priority": `\d+|default`, "IsDefault": "true|false", "Transforms[]": "",
		"Conditions[].Field": "path-pattern", "Conditions[].Values[]": "/api/\\*", "Conditions[].PathPatternConfig.Values[]": "/api/\\*", "Conditions[]": "",
		"Actions[].Type": "forward", "Actions[].TargetGroupArn": groupARN,
		"Actions[].ForwardConfig.TargetGroups[].TargetGroupArn": groupARN, "Actions[].ForwardConfig.TargetGroups[].Weight": "1",
		"Actions[].ForwardConfig.TargetGroupStickinessConfig.Enabled": "false",
	},
	group: fields{
		"TargetGroupArn": groupARN, "TargetGroupName": "[a-z-]+", "Port": `\d+`, "VpcId": "vpc-[0-9a-f]+", "HealthCheckPort": "traffic-port",
		"HealthCheckEnabled": "true", "HealthCheckIntervalSeconds": "30", "HealthyThresholdCount": "5", "UnhealthyThresholdCount": "2", "IpAddressType": "ipv4",
		"LoadBalancerArns[]": "|" + albARN,
	},
	check: fields{"HealthCheckPath": "/", "Matcher.HttpCode": "200"},
	health: fields{
		"HealthCheckPort": `\d+`, "Target.Id": `[0-9.]+`, "Target.Port": `\d+`, "Target.AvailabilityZone": "us-east-1[abc]", "TargetHealth.State": "healthy|initial",
		"TargetHealth.Reason": "Elb.RegistrationInProgress", "TargetHealth.Description": ".+",
	},
}

// flatten lists the members of a value by path. An empty list is an empty text.
func flatten(path string, v reflect.Value, into map[string][]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			flatten(path, v.Elem(), into)
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		if v.Len() == 0 {
			into[path+"[]"] = append(into[path+"[]"], "")
		}
		for i := range v.Len() {
			flatten(path+"[]", v.Index(i), into)
		}
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			into[path] = append(into[path], at.UTC().Format(time.RFC3339))
			return
		}
		for i := range v.NumField() {
			flatten(strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i), into)
		}
	default:
		into[path] = append(into[path], fmt.Sprint(v.Interface()))
	}
}

func TestDocumentedShapes(t *testing.T) {
	d := newDesk(t)
	var eip string
	d.Do(t, func(tx *state.Tx) error {
		a, err := d.Network.AllocateAddress(tx, balancetest.Scope)
		if err == nil {
			eip = a.ID
		}
		return err
	})
	nlb := must(t)(d.CreateLoadBalancer(d.ctx, &elbv2api.CreateLoadBalancerInput{
		Name: new("static"), Type: new("network"), SubnetMappings: []elbv2api.SubnetMapping{{SubnetId: new(d.Subnets[1].ID), AllocationId: &eip}},
	})).(*elbv2api.CreateLoadBalancerOutput)
	secure, err := d.secure(t, 443, nil)
	if err != nil {
		t.Fatal(err)
	}
	group := func(name, protocol, kind string) elbv2api.TargetGroup {
		in := d.groupInput(name)
		in.Protocol, in.TargetType = &protocol, &kind
		return must(t)(d.CreateTargetGroup(d.ctx, in)).(*elbv2api.CreateTargetGroupOutput).TargetGroups[0]
	}
	must(t)(d.RegisterTargets(d.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: &d.group, Targets: []elbv2api.TargetDescription{{Id: new("10.0.1.9")}, {Id: new("10.0.2.9")}}}))
	d.Do(t, func(tx *state.Tx) error {
		d.Balance.Observe(tx, d.Balance.Assign(tx, 0), []balance.Observation{{TargetGroupARN: d.group, ID: "10.0.1.9", Port: 8080, Verdict: balance.Verdict{State: "healthy"}}})
		return nil
	})
	doc := documented
	for _, c := range []struct {
		name string
		got  any
		want fields
	}{
		{"application load balancer", must(t)(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"web"}})).(*elbv2api.DescribeLoadBalancersOutput).LoadBalancers[0], doc.alb},
		{"network load balancer", nlb.LoadBalancers[0], doc.nlb},
		{"HTTP listener", must(t)(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{d.listener}})).(*elbv2api.DescribeListenersOutput).Listeners[0], doc.listener},
		{"HTTPS listener", must(t)(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{secure}})).(*elbv2api.DescribeListenersOutput).Listeners[0], doc.listener.and(doc.secure)},
		{"rules", must(t)(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{ListenerArn: &d.listener})).(*elbv2api.DescribeRulesOutput).Rules, trimmed(doc.rule)},
		{"HTTP group", group("my-targets", "HTTP", "instance"), doc.group.and(doc.check, fields{"Protocol": "HTTP", "ProtocolVersion": "HTTP1", "TargetType": "instance", "HealthCheckProtocol": "HTTP", "HealthCheckTimeoutSeconds": "5"})},
		{"TCP group", group("my-ip-targets", "TCP", "ip"), doc.group.and(fields{"Protocol": "TCP", "TargetType": "ip", "HealthCheckProtocol": "TCP", "HealthCheckTimeoutSeconds": "10"})},
		{"ALB group", group("my-alb-target", "TCP", "alb"), doc.group.and(doc.check, fields{"Protocol": "TCP", "TargetType": "alb", "HealthCheckProtocol": "HTTP", "HealthCheckTimeoutSeconds": "6", "Matcher.HttpCode": "200-399"})},
		{"health", must(t)(d.DescribeTargetHealth(d.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: &d.group})).(*elbv2api.DescribeTargetHealthOutput).TargetHealthDescriptions, trimmed(doc.health)},
		{"certificates", must(t)(d.DescribeListenerCertificates(d.ctx, &elbv2api.DescribeListenerCertificatesInput{ListenerArn: &secure})).(*elbv2api.DescribeListenerCertificatesOutput).Certificates, fields{"[].CertificateArn": certifARN, "[].IsDefault": "true"}},
		{"tags", must(t)(d.DescribeTags(d.ctx, &elbv2api.DescribeTagsInput{ResourceArns: []string{d.lb}})).(*elbv2api.DescribeTagsOutput).TagDescriptions, fields{"[].ResourceArn": albARN, "[].Tags[]": ""}},
		{"limits", must(t)(d.DescribeAccountLimits(d.ctx, &elbv2api.DescribeAccountLimitsInput{})).(*elbv2api.DescribeAccountLimitsOutput).Limits, fields{"[].Name": "[a-z-]+", "[].Max": `\d+`}},
		{"policies", must(t)(d.DescribeSSLPolicies(d.ctx, &elbv2api.DescribeSSLPoliciesInput{Names: []string{"ELBSecurityPolicy-2016-08"}})).(*elbv2api.DescribeSSLPoliciesOutput).SslPolicies, fields{
			"[].Name": "ELBSecurityPolicy-2016-08", "[].SslProtocols[]": `TLSv1(\.[12])?`, "[].Ciphers[].Name": "[A-Z0-9-]+", "[].Ciphers[].Priority": `\d+`, "[].SupportedLoadBalancerTypes[]": "application|network",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[string][]string{}
			flatten("", reflect.ValueOf(c.got), got)
			for path, pattern := range c.want {
				if _, ok := got[path]; !ok {
					t.Errorf("%s is missing", path)
				}
				for _, v := range got[path] {
					if !regexp.MustCompile(`^(` + pattern + `)$`).MatchString(v) {
						t.Errorf("%s is %q, want %s", path, v, pattern)
					}
				}
			}
			for path := range got {
				if _, ok := c.want[path]; !ok {
					t.Errorf("%s is not documented", path)
				}
			}
		})
	}
}

// trimmed are the fields of the elements of a list.
func trimmed(f fields) fields {
	all := fields{}
	for path, pattern := range f {
		all["[]."+path] = pattern
	}
	return all
}

// Attributes in the documented examples, and since, with their defaults.
func TestDocumentedAttributes(t *testing.T) {
	d := newNetworkDesk(t)
	for _, c := range []struct {
		name string
		got  any
		want []string
	}{
		{"application load balancer", must(t)(d.DescribeLoadBalancerAttributes(d.ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &d.lb})).(*elbv2api.DescribeLoadBalancerAttributesOutput).Attributes, []string{
			"access_logs.s3.bucket=", "access_logs.s3.enabled=false", "access_logs.s3.prefix=", "client_keep_alive.seconds=3600",
			"connection_logs.s3.bucket=", "connection_logs.s3.enabled=false", "connection_logs.s3.prefix=", "deletion_protection.enabled=false",
			"health_check_logs.s3.bucket=", "health_check_logs.s3.enabled=false", "health_check_logs.s3.prefix=", "idle_timeout.timeout_seconds=60",
			"ipv6.deny_all_igw_traffic=false", "load_balancing.cross_zone.enabled=true", "routing.http.desync_mitigation_mode=defensive",
			"routing.http.drop_invalid_header_fields.enabled=false", "routing.http.preserve_host_header.enabled=false",
			"routing.http.x_amzn_tls_version_and_cipher_suite.enabled=false", "routing.http.xff_client_port.enabled=false",
			"routing.http.xff_header_processing.mode=append", "routing.http2.enabled=true", "waf.fail_open.enabled=false", "zonal_shift.config.enabled=false",
		}},
		{"network load balancer", must(t)(d.DescribeLoadBalancerAttributes(d.ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &d.nlb})).(*elbv2api.DescribeLoadBalancerAttributesOutput).Attributes, []string{
			"access_logs.s3.bucket=", "access_logs.s3.enabled=false", "access_logs.s3.prefix=", "deletion_protection.enabled=false",
			"dns_record.client_routing_policy=any_availability_zone", "ipv6.deny_all_igw_traffic=false", "load_balancing.cross_zone.enabled=false",
			"secondary_ips.auto_assigned.per_subnet=0", "zonal_shift.config.enabled=false",
		}},
		{"HTTP group", must(t)(d.DescribeTargetGroupAttributes(d.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: &d.group})).(*elbv2api.DescribeTargetGroupAttributesOutput).Attributes, []string{
			"deregistration_delay.timeout_seconds=300", "load_balancing.algorithm.anomaly_mitigation=off", "load_balancing.algorithm.type=round_robin",
			"load_balancing.cross_zone.enabled=use_load_balancer_configuration", "slow_start.duration_seconds=0", "stickiness.app_cookie.cookie_name=",
			"stickiness.app_cookie.duration_seconds=86400", "stickiness.enabled=false", "stickiness.lb_cookie.duration_seconds=86400", "stickiness.type=lb_cookie",
			"target_group_health.dns_failover.minimum_healthy_targets.count=1", "target_group_health.dns_failover.minimum_healthy_targets.percentage=off",
			"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count=1", "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage=off",
		}},
		{"TCP group", must(t)(d.DescribeTargetGroupAttributes(d.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: &d.tcp})).(*elbv2api.DescribeTargetGroupAttributesOutput).Attributes, []string{
			"deregistration_delay.connection_termination.enabled=false", "deregistration_delay.timeout_seconds=300",
			"load_balancing.cross_zone.enabled=use_load_balancer_configuration", "preserve_client_ip.enabled=false", "proxy_protocol_v2.enabled=false",
			"stickiness.enabled=false", "stickiness.type=source_ip",
			"target_group_health.dns_failover.minimum_healthy_targets.count=1", "target_group_health.dns_failover.minimum_healthy_targets.percentage=off",
			"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count=1", "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage=off",
			"target_health_state.unhealthy.connection_termination.enabled=true", "target_health_state.unhealthy.draining_interval_seconds=0",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			flat := map[string][]string{}
			flatten("", reflect.ValueOf(c.got), flat)
			var got []string
			for i, key := range flat["[].Key"] {
				got = append(got, key+"="+flat["[].Value"][i])
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}
