package elbv2_test

import (
	"testing"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
)

// set changes one attribute of a kind of resource and reads it back.
type set func(d *desk, key, value string) (shown map[string]string, err error)

func setLoadBalancer(d *desk, key, value string) (map[string]string, error) {
	shown := map[string]string{}
	_, err := d.ModifyLoadBalancerAttributes(d.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{
		LoadBalancerArn: &d.lb, Attributes: []elbv2api.LoadBalancerAttribute{{Key: &key, Value: &value}},
	})
	if err != nil {
		return nil, err
	}
	out, err := d.DescribeLoadBalancerAttributes(d.ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &d.lb})
	if err != nil {
		return nil, err
	}
	for _, a := range out.Attributes {
		shown[*a.Key] = *a.Value
	}
	return shown, nil
}

func setTargetGroup(d *desk, key, value string) (map[string]string, error) {
	shown := map[string]string{}
	_, err := d.ModifyTargetGroupAttributes(d.ctx, &elbv2api.ModifyTargetGroupAttributesInput{
		TargetGroupArn: &d.group, Attributes: []elbv2api.TargetGroupAttribute{{Key: &key, Value: &value}},
	})
	if err != nil {
		return nil, err
	}
	out, err := d.DescribeTargetGroupAttributes(d.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: &d.group})
	if err != nil {
		return nil, err
	}
	for _, a := range out.Attributes {
		shown[*a.Key] = *a.Value
	}
	return shown, nil
}

func setListener(d *desk, key, value string) (map[string]string, error) {
	shown := map[string]string{}
	_, err := d.ModifyListenerAttributes(d.ctx, &elbv2api.ModifyListenerAttributesInput{
		ListenerArn: &d.listener, Attributes: []elbv2api.ListenerAttribute{{Key: &key, Value: &value}},
	})
	if err != nil {
		return nil, err
	}
	out, err := d.DescribeListenerAttributes(d.ctx, &elbv2api.DescribeListenerAttributesInput{ListenerArn: &d.listener})
	if err != nil {
		return nil, err
	}
	for _, a := range out.Attributes {
		shown[*a.Key] = *a.Value
	}
	return shown, nil
}

func TestAttributes(t *testing.T) {
	const (
		no      = "NotImplemented: "
		invalid = "InvalidConfigurationRequest: "
	)
	for _, c := range []struct {
		set        set
		key, value string
		want       string // error
	}{
		{setLoadBalancer, "idle_timeout.timeout_seconds", "120", ""},
		{setLoadBalancer, "idle_timeout.timeout_seconds", "4001", invalid},
		{setLoadBalancer, "idle_timeout.timeout_seconds", "x", invalid},
		{setLoadBalancer, "idle_timeout.timeout_seconds", "+120", invalid},
		{setLoadBalancer, "idle_timeout.timeout_seconds", "0120", invalid},
		{setTargetGroup, "deregistration_delay.timeout_seconds", "-0", invalid},
		{setTargetGroup, "target_group_health.dns_failover.minimum_healthy_targets.count", "02", invalid},
		{setListener, "routing.http.response.access_control_max_age.header_value", "+60", invalid},
		{setLoadBalancer, "client_keep_alive.seconds", "60", ""},
		{setLoadBalancer, "client_keep_alive.seconds", "59", invalid},
		{setLoadBalancer, "deletion_protection.enabled", "true", ""},
		{setLoadBalancer, "deletion_protection.enabled", "yes", invalid},
		{setLoadBalancer, "routing.http2.enabled", "false", ""},
		{setLoadBalancer, "routing.http.xff_header_processing.mode", "remove", ""},
		{setLoadBalancer, "routing.http.xff_header_processing.mode", "drop", invalid},
		{setLoadBalancer, "routing.http.desync_mitigation_mode", "strictest", ""},
		{setLoadBalancer, "routing.http.preserve_host_header.enabled", "true", ""},
		{setLoadBalancer, "access_logs.s3.enabled", "false", ""},
		{setLoadBalancer, "access_logs.s3.enabled", "true", "InvalidConfigurationRequest: An S3 bucket must be specified"},
		{setLoadBalancer, "access_logs.s3.bucket", "", ""},
		{setLoadBalancer, "ipv6.deny_all_igw_traffic", "false", ""},
		{setLoadBalancer, "health_check_logs.s3.enabled", "true", no},
		{setLoadBalancer, "zonal_shift.config.enabled", "true", no},
		{setLoadBalancer, "waf.fail_open.enabled", "true", no},
		{setLoadBalancer, "load_balancing.cross_zone.enabled", "true", ""},
		{setLoadBalancer, "load_balancing.cross_zone.enabled", "false", invalid},
		{setLoadBalancer, "dns_record.client_routing_policy", "any_availability_zone", "ValidationError: Load balancer attribute key 'dns_record.client_routing_policy' is not recognized"},

		{setTargetGroup, "deregistration_delay.timeout_seconds", "0", ""},
		{setTargetGroup, "deregistration_delay.timeout_seconds", "3601", invalid},
		{setTargetGroup, "stickiness.enabled", "false", ""},
		{setTargetGroup, "stickiness.enabled", "true", ""},
		{setTargetGroup, "stickiness.type", "app_cookie", ""},
		{setTargetGroup, "stickiness.type", "source_ip", invalid},
		{setTargetGroup, "stickiness.lb_cookie.duration_seconds", "60", ""},
		{setTargetGroup, "stickiness.app_cookie.cookie_name", "AWSALB", invalid},
		{setTargetGroup, "slow_start.duration_seconds", "0", ""},
		{setTargetGroup, "slow_start.duration_seconds", "29", invalid},
		{setTargetGroup, "slow_start.duration_seconds", "30", ""},
		{setTargetGroup, "load_balancing.algorithm.type", "round_robin", ""},
		{setTargetGroup, "load_balancing.algorithm.type", "least_outstanding_requests", ""},
		{setTargetGroup, "load_balancing.algorithm.type", "random", invalid},
		{setTargetGroup, "load_balancing.cross_zone.enabled", "true", ""},
		{setTargetGroup, "load_balancing.cross_zone.enabled", "false", ""},
		{setTargetGroup, "target_group_health.dns_failover.minimum_healthy_targets.count", "off", ""},
		{setTargetGroup, "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "50", ""},
		{setTargetGroup, "load_balancing.algorithm.anomaly_mitigation", "on", "InvalidConfigurationRequest: You cannot enable anomaly mitigation"},
		{setTargetGroup, "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", ""},
		{setTargetGroup, "proxy_protocol_v2.enabled", "false", "ValidationError: Target group attribute key 'proxy_protocol_v2.enabled' is not recognized"},

		{setListener, "routing.http.response.server.enabled", "false", ""},
		{setListener, "routing.http.response.strict_transport_security.header_value", "max-age=1; preload", ""},
		{setListener, "routing.http.response.x_frame_options.header_value", "DENY", ""},
		{setListener, "routing.http.response.x_frame_options.header_value", "MAYBE", invalid},
		{setListener, "routing.http.response.x_content_type_options.header_value", "sniff", invalid},
		{setListener, "routing.http.response.access_control_max_age.header_value", "86401", invalid},
		{setListener, "routing.http.response.content_security_policy.header_value", "a\r\nb", invalid},
		{setListener, "routing.http.request.x_amzn_tls_version.header_name", "X", "InvalidConfigurationRequest: Listener attribute key 'routing.http.request.x_amzn_tls_version.header_name' is not supported on listeners with protocol 'HTTP'"},
		{setListener, "tcp.idle_timeout.seconds", "350", "InvalidConfigurationRequest: Listener attribute key 'tcp.idle_timeout.seconds' is not supported on listeners with protocol 'HTTP'"},
	} {
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			d := newDesk(t)
			shown, err := c.set(d, c.key, c.value)
			check(t, err, c.want)
			if err == nil && shown[c.key] != c.value {
				t.Errorf("reads back as %q", shown[c.key])
			}
		})
	}
}

// Terraform plans nothing only if every default is told.
func TestDefaultAttributes(t *testing.T) {
	d := newDesk(t)
	lb, err := setLoadBalancer(d, "deletion_protection.enabled", "false")
	if err != nil {
		t.Fatal(err)
	}
	tg, err := setTargetGroup(d, "stickiness.enabled", "false")
	if err != nil {
		t.Fatal(err)
	}
	l, err := setListener(d, "routing.http.response.server.enabled", "true")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "idle_timeout.timeout_seconds": "60", "client_keep_alive.seconds": "3600",
		"routing.http2.enabled": "true", "load_balancing.cross_zone.enabled": "true", "routing.http.desync_mitigation_mode": "defensive",
		"routing.http.xff_header_processing.mode": "append", "zonal_shift.config.enabled": "false", "connection_logs.s3.enabled": "false",
	} {
		if got, ok := lb[key]; !ok || got != want {
			t.Errorf("load balancer %s is %q", key, got)
		}
	}
	for key, want := range map[string]string{
		"deregistration_delay.timeout_seconds": "300", "stickiness.type": "lb_cookie", "stickiness.lb_cookie.duration_seconds": "86400",
		"load_balancing.algorithm.type": "round_robin", "load_balancing.algorithm.anomaly_mitigation": "off", "slow_start.duration_seconds": "0",
		"load_balancing.cross_zone.enabled":                                              "use_load_balancer_configuration",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
	} {
		if got, ok := tg[key]; !ok || got != want {
			t.Errorf("target group %s is %q", key, got)
		}
	}
	if got, ok := l["routing.http.response.content_security_policy.header_value"]; !ok || got != "" {
		t.Errorf("listener header is %q", got)
	}
}
