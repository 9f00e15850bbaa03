package elbv2_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/services/elbv2"
	"github.com/neargate/neargate/internal/state"
)

// desk is the front over a ground with one of each resource.
type desk struct {
	*balancetest.Ground
	*elbv2.Service
	ctx   context.Context
	plane *plane
	files files

	lb, listener, rule, group string // ARNs
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	g := balancetest.New(t)
	d := &desk{Ground: g, plane: &plane{}, files: files{}}
	d.Service = elbv2.New(elbv2.Config{Store: g.Store, Balance: g.Balance, Edge: d.plane, Certificates: wallet{}, Objects: d.files, Buckets: buckets{}})
	d.ctx = aws.With(t.Context(), &aws.Call{Account: "123456789012", Region: "us-east-1", Service: "elbv2", Now: time.Unix(1_700_000_000, 0)})
	lb := must(t)(d.CreateLoadBalancer(d.ctx, &elbv2api.CreateLoadBalancerInput{Name: new("web"), Subnets: d.subnets(), SecurityGroups: []string{g.Group.ID}}))
	d.lb = *lb.(*elbv2api.CreateLoadBalancerOutput).LoadBalancers[0].LoadBalancerArn
	tg := must(t)(d.CreateTargetGroup(d.ctx, d.groupInput("web")))
	d.group = *tg.(*elbv2api.CreateTargetGroupOutput).TargetGroups[0].TargetGroupArn
	l := must(t)(d.CreateListener(d.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: &d.lb, Port: new(int32(80)), Protocol: new("HTTP"), DefaultActions: d.forward()}))
	d.listener = *l.(*elbv2api.CreateListenerOutput).Listeners[0].ListenerArn
	r := must(t)(d.CreateRule(d.ctx, &elbv2api.CreateRuleInput{ListenerArn: &d.listener, Priority: new(int32(10)), Conditions: onPath("/api/*"), Actions: d.forward()}))
	d.rule = *r.(*elbv2api.CreateRuleOutput).Rules[0].RuleArn
	return d
}

// plane is a data plane that can do everything, unless the test says otherwise.
type plane struct{ err error }

func (p *plane) Serves(*state.Tx, string) error      { return p.err }
func (p *plane) ServesRule(*state.Tx, string) error  { return p.err }
func (p *plane) ServesGroup(*state.Tx, string) error { return p.err }

// wallet has the certificates whose ARNs end in a digit; those that end in 0 are not issued yet.
type wallet struct{}

func (wallet) Usable(_ *state.Tx, _, _, arn string) (algorithm string, usable, found bool) {
	last := arn[len(arn)-1]
	return "RSA_2048", last != '0', '0' <= last && last <= '9'
}

// files are objects by bucket and key.
type files map[string]string

func (f files) Read(_ context.Context, _, _, bucket, key, _ string, most int64) ([]byte, error) {
	text, ok := f[bucket+"/"+key]
	if !ok || int64(len(text)) > most {
		return nil, errors.New("no such object")
	}
	return []byte(text), nil
}

func (f files) Presign(_ context.Context, _, _, bucket, key, _ string, lasting time.Duration) (string, error) {
	return fmt.Sprintf("http://s3.localhost/%s/%s?expires=%.0f", bucket, key, lasting.Seconds()), nil
}

// buckets lets logs into those whose name ends in logs.
type buckets struct{}

func (buckets) Check(_ *state.Tx, _, bucket, _ string) error {
	if !strings.HasSuffix(bucket, "logs") {
		return balance.ErrInvalidConfiguration.New("Access Denied for bucket: %s. Please check S3bucket permission", bucket)
	}
	return nil
}

// certificates are those with the numbers.
func certificates(numbers ...int) []elbv2api.Certificate {
	var list []elbv2api.Certificate
	for _, n := range numbers {
		list = append(list, elbv2api.Certificate{CertificateArn: new(fmt.Sprintf("arn:aws:acm:us-east-1:123456789012:certificate/%d", n))})
	}
	return list
}

// must takes an operation's results.
func must(t *testing.T) func(out any, err error) any {
	return func(out any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func (d *desk) subnets() []string {
	var ids []string
	for _, s := range d.Subnets {
		ids = append(ids, s.ID)
	}
	return ids
}

func (d *desk) groupInput(name string) *elbv2api.CreateTargetGroupInput {
	return &elbv2api.CreateTargetGroupInput{Name: &name, Protocol: new("HTTP"), Port: new(int32(8080)), VpcId: &d.VPC.ID, TargetType: new("ip")}
}

func (d *desk) forward() []elbv2api.Action {
	return []elbv2api.Action{{Type: new("forward"), TargetGroupArn: &d.group}}
}

func onPath(pattern string) []elbv2api.RuleCondition {
	return []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: []string{pattern}}}
}

// check compares an error's code and the beginning of its text.
func check(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("got %v", err)
		}
		return
	}
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestLoadBalancerShape(t *testing.T) {
	d := newDesk(t)
	out, err := d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"web"}})
	if err != nil || len(out.LoadBalancers) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	lb := out.LoadBalancers[0]
	if !strings.HasSuffix(*lb.DNSName, ".us-east-1.elb.localhost") || *lb.LoadBalancerArn != d.lb {
		t.Errorf("name %s, ARN %s", *lb.DNSName, *lb.LoadBalancerArn)
	}
	want := elbv2api.LoadBalancer{
		LoadBalancerArn: lb.LoadBalancerArn, DNSName: lb.DNSName, LoadBalancerName: new("web"), CanonicalHostedZoneId: new("Z35SXDOTRQ7X7K"),
		CreatedTime: new(time.Unix(1_700_000_000, 0).UTC()), Scheme: new("internet-facing"), VpcId: &d.VPC.ID, Type: new("application"),
		State: &elbv2api.LoadBalancerState{Code: new("provisioning")}, SecurityGroups: []string{d.Group.ID}, IpAddressType: new("ipv4"),
	}
	for _, s := range d.Subnets {
		want.AvailabilityZones = append(want.AvailabilityZones, elbv2api.AvailabilityZone{
			ZoneName: new(s.Zone), SubnetId: new(s.ID), LoadBalancerAddresses: []elbv2api.LoadBalancerAddress{},
		})
	}
	if diff := cmp.Diff(want, lb); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCreateLoadBalancerRefusals(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name string
		in   elbv2api.CreateLoadBalancerInput
		want string
	}{
		{"long name", elbv2api.CreateLoadBalancerInput{Name: new(strings.Repeat("a", 33))}, "ValidationError: The load balancer name '" + strings.Repeat("a", 33) + "' cannot be longer than '32' characters"},
		{"characters", elbv2api.CreateLoadBalancerInput{Name: new("a_b")}, "ValidationError: The load balancer name 'a_b' can only contain characters that are alphanumeric characters and hyphens(-)"},
		{"hyphen", elbv2api.CreateLoadBalancerInput{Name: new("ab-")}, "ValidationError: The load balancer name 'ab-' cannot begin or end with a hyphen(-)"},
		{"internal-", elbv2api.CreateLoadBalancerInput{Name: new("internal-a")}, "ValidationError: The load balancer name 'internal-a' cannot begin with 'internal-'"},
		{"network", elbv2api.CreateLoadBalancerInput{Name: new("a"), Type: new("network")}, "ValidationError: At least one subnet must be specified"},
		{"dualstack", elbv2api.CreateLoadBalancerInput{Name: new("a"), IpAddressType: new("dualstack")}, "NotImplemented: Neargate does not implement IP address type dualstack"},
		{"pools", elbv2api.CreateLoadBalancerInput{Name: new("a"), IpamPools: &elbv2api.IpamPools{}}, "NotImplemented: Neargate does not implement IpamPools"},
		{"both", elbv2api.CreateLoadBalancerInput{Name: new("a"), Subnets: d.subnets(), SubnetMappings: []elbv2api.SubnetMapping{{}}}, "ValidationError: You must specify either subnets or subnet mappings, but not both"},
		{"elastic", elbv2api.CreateLoadBalancerInput{Name: new("a"), SubnetMappings: []elbv2api.SubnetMapping{{SubnetId: &d.Subnets[0].ID, AllocationId: new("eipalloc-1")}}}, "InvalidConfigurationRequest: "},
		{"no subnets", elbv2api.CreateLoadBalancerInput{Name: new("a")}, "ValidationError: At least two subnets in two different Availability Zones must be specified"},
		{"tag twice", elbv2api.CreateLoadBalancerInput{Name: new("a"), Tags: []elbv2api.Tag{{Key: new("k")}, {Key: new("k")}}}, "DuplicateTagKeys: "},
		{"aws tag", elbv2api.CreateLoadBalancerInput{Name: new("a"), Tags: []elbv2api.Tag{{Key: new("aws:k")}}}, "ValidationError: aws: prefixed tag key names"},
		{"mappings", elbv2api.CreateLoadBalancerInput{Name: new("a"), SubnetMappings: []elbv2api.SubnetMapping{{SubnetId: &d.Subnets[0].ID}, {SubnetId: &d.Subnets[1].ID}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.CreateLoadBalancer(d.ctx, &c.in)
			check(t, err, c.want)
		})
	}
}

// What does not exist, or belongs to somebody else, is answered the same way by every operation.
func TestUnknownResources(t *testing.T) {
	d := newDesk(t)
	lb := strings.Replace(d.lb, "/web/", "/nothing/", 1)
	l := strings.Replace(d.listener, "/web/", "/nothing/", 1)
	r := strings.Replace(d.rule, "/web/", "/nothing/", 1)
	tg := strings.Replace(d.group, "/web/", "/nothing/", 1)
	target := []elbv2api.TargetDescription{{Id: new("10.0.0.9")}}
	action := d.forward()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"lb arns":        {second(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: []string{lb}})), "LoadBalancerNotFound: One or more load balancers not found"},
		"lb names":       {second(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: []string{"nothing"}})), "LoadBalancerNotFound: Load balancers '[nothing]' not found"},
		"lb attributes":  {second(d.DescribeLoadBalancerAttributes(d.ctx, &elbv2api.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &lb})), "LoadBalancerNotFound: "},
		"lb set":         {second(d.ModifyLoadBalancerAttributes(d.ctx, &elbv2api.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &lb})), "LoadBalancerNotFound: "},
		"groups":         {second(d.SetSecurityGroups(d.ctx, &elbv2api.SetSecurityGroupsInput{LoadBalancerArn: &lb, SecurityGroups: []string{d.Group.ID}})), "LoadBalancerNotFound: "},
		"subnets":        {second(d.SetSubnets(d.ctx, &elbv2api.SetSubnetsInput{LoadBalancerArn: &lb, Subnets: d.subnets()})), "LoadBalancerNotFound: "},
		"ip type":        {second(d.SetIpAddressType(d.ctx, &elbv2api.SetIpAddressTypeInput{LoadBalancerArn: &lb, IpAddressType: new("ipv4")})), "LoadBalancerNotFound: "},
		"capacity":       {second(d.DescribeCapacityReservation(d.ctx, &elbv2api.DescribeCapacityReservationInput{LoadBalancerArn: &lb})), "LoadBalancerNotFound: "},
		"listeners of":   {second(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{LoadBalancerArn: &lb})), "LoadBalancerNotFound: "},
		"create":         {second(d.CreateListener(d.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: &lb, Port: new(int32(1)), Protocol: new("HTTP"), DefaultActions: action})), "LoadBalancerNotFound: "},
		"listeners":      {second(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{l}})), "ListenerNotFound: One or more listeners not found"},
		"listener set":   {second(d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &l})), "ListenerNotFound: "},
		"listener del":   {second(d.DeleteListener(d.ctx, &elbv2api.DeleteListenerInput{ListenerArn: &l})), "ListenerNotFound: "},
		"certificates":   {second(d.DescribeListenerCertificates(d.ctx, &elbv2api.DescribeListenerCertificatesInput{ListenerArn: &l})), "ListenerNotFound: "},
		"listener attrs": {second(d.DescribeListenerAttributes(d.ctx, &elbv2api.DescribeListenerAttributesInput{ListenerArn: &l})), "ListenerNotFound: "},
		"rules of":       {second(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{ListenerArn: &l})), "ListenerNotFound: "},
		"rule new":       {second(d.CreateRule(d.ctx, &elbv2api.CreateRuleInput{ListenerArn: &l, Priority: new(int32(1)), Conditions: onPath("/"), Actions: action})), "ListenerNotFound: "},
		"rules":          {second(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{RuleArns: []string{r}})), "RuleNotFound: One or more rules not found"},
		"rule set":       {second(d.ModifyRule(d.ctx, &elbv2api.ModifyRuleInput{RuleArn: &r, Actions: action})), "RuleNotFound: "},
		"rule del":       {second(d.DeleteRule(d.ctx, &elbv2api.DeleteRuleInput{RuleArn: &r})), "RuleNotFound: "},
		"priorities":     {second(d.SetRulePriorities(d.ctx, &elbv2api.SetRulePrioritiesInput{RulePriorities: []elbv2api.RulePriorityPair{{RuleArn: &r, Priority: new(int32(1))}}})), "RuleNotFound: "},
		"tg arns":        {second(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: []string{tg}})), "TargetGroupNotFound: One or more target groups not found"},
		"tg names":       {second(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{Names: []string{"nothing"}})), "TargetGroupNotFound: One or more target groups not found"},
		"tg of":          {second(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{LoadBalancerArn: &lb})), "LoadBalancerNotFound: "},
		"tg set":         {second(d.ModifyTargetGroup(d.ctx, &elbv2api.ModifyTargetGroupInput{TargetGroupArn: &tg})), "TargetGroupNotFound: "},
		"tg attributes":  {second(d.DescribeTargetGroupAttributes(d.ctx, &elbv2api.DescribeTargetGroupAttributesInput{TargetGroupArn: &tg})), "TargetGroupNotFound: "},
		"register":       {second(d.RegisterTargets(d.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: &tg, Targets: target})), "TargetGroupNotFound: "},
		"deregister":     {second(d.DeregisterTargets(d.ctx, &elbv2api.DeregisterTargetsInput{TargetGroupArn: &tg, Targets: target})), "TargetGroupNotFound: "},
		"health":         {second(d.DescribeTargetHealth(d.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: &tg})), "TargetGroupNotFound: "},
		"tags":           {second(d.DescribeTags(d.ctx, &elbv2api.DescribeTagsInput{ResourceArns: []string{d.lb, tg}})), "TargetGroupNotFound: "},
		"bad ARN":        {second(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: []string{d.lb}})), "ValidationError: '" + d.lb + "' is not a valid listener ARN"},
		"no ARN":         {second(d.DeleteTargetGroup(d.ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: new("x")})), "ValidationError: 'x' is not a valid target group ARN"},
		"gone lb":        {second(d.DeleteLoadBalancer(d.ctx, &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: &lb})), ""},
		"gone tg":        {second(d.DeleteTargetGroup(d.ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: &tg})), ""},
		"21 balancers":   {second(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: many(d.lb, 21)})), "ValidationError: Up to 20 load balancers can be described at a time, but 21 were specified"},
		"20 balancers":   {second(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{LoadBalancerArns: many(d.lb, 20)})), ""},
		"21 names":       {second(d.DescribeLoadBalancers(d.ctx, &elbv2api.DescribeLoadBalancersInput{Names: many("web", 21)})), "ValidationError: Up to 20 load balancers can be described at a time, but 21 were specified"},
		"21 groups":      {second(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{TargetGroupArns: many(d.group, 21)})), "ValidationError: You cannot describe more than '20' target groups at a time"},
		"21 group names": {second(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{Names: many("web", 21)})), "ValidationError: You cannot describe more than '20' target groups at a time"},
		"21 rules":       {second(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{RuleArns: many(d.lb, 21)})), "ValidationError: You cannot describe more than '20' listener rules at a time"},
		"21 listeners":   {second(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{ListenerArns: many(d.listener, 21)})), "ValidationError: You cannot describe more than '20' listeners at a time"},
		"neither":        {second(d.DescribeListeners(d.ctx, &elbv2api.DescribeListenersInput{})), "ValidationError: You must specify either listener ARNs or a load balancer ARN"},
		"neither rule":   {second(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{})), "ValidationError: You must specify either listener rule ARNs or a listener ARN"},
	} {
		t.Run(name, func(t *testing.T) { check(t, c.err, c.want) })
	}
	elsewhere := aws.With(t.Context(), &aws.Call{Account: "123456789012", Region: "eu-west-1"})
	if out, err := d.DescribeLoadBalancers(elsewhere, &elbv2api.DescribeLoadBalancersInput{}); err != nil || len(out.LoadBalancers) != 0 {
		t.Errorf("another region sees %v, %v", out, err)
	}
}

func many(text string, n int) []string { return slices.Repeat([]string{text}, n) }

func second[O any](_ *O, err error) error { return err }

func TestListenerRefusals(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name string
		set  func(in *elbv2api.CreateListenerInput)
		want string
	}{
		{"fine", func(*elbv2api.CreateListenerInput) {}, ""},
		{"no protocol", func(in *elbv2api.CreateListenerInput) { in.Protocol = nil }, "ValidationError: A listener protocol must be specified"},
		{"no port", func(in *elbv2api.CreateListenerInput) { in.Port = nil }, "ValidationError: A listener port must be specified"},
		{"TCP", func(in *elbv2api.CreateListenerInput) { in.Protocol = new("TCP") }, "ValidationError: Listener protocol 'TCP' must be one of 'HTTPS, HTTP'"},
		{"HTTPS", func(in *elbv2api.CreateListenerInput) { in.Protocol, in.Port = new("HTTPS"), new(int32(443)) }, "ValidationError: A certificate must be specified for HTTPS listeners"},
		{"certificate", func(in *elbv2api.CreateListenerInput) { in.Certificates, in.Port = certificates(1), new(int32(443)) }, "ValidationError: Certificates cannot be specified for listeners with protocol 'HTTP'"},
		{"policy", func(in *elbv2api.CreateListenerInput) {
			in.SslPolicy, in.Port = new("ELBSecurityPolicy-2016-08"), new(int32(443))
		}, "ValidationError: An SSL policy cannot be specified"},
		{"port taken", func(in *elbv2api.CreateListenerInput) {
			in.Port = new(int32(80))
			in.DefaultActions = []elbv2api.Action{{Type: new("fixed-response"), FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: new("200")}}}
		}, "DuplicateListener: "},
		{"port taken, by the same", func(in *elbv2api.CreateListenerInput) { in.Port = new(int32(80)) }, ""},
		{"no action", func(in *elbv2api.CreateListenerInput) { in.DefaultActions = nil }, "InvalidLoadBalancerAction: You must specify exactly one action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := elbv2api.CreateListenerInput{LoadBalancerArn: &d.lb, Port: new(int32(8081)), Protocol: new("HTTP"), DefaultActions: d.forward()}
			c.set(&in)
			_, err := d.CreateListener(d.ctx, &in)
			check(t, err, c.want)
		})
	}
}

func TestTargetGroupShape(t *testing.T) {
	d := newDesk(t)
	out := must(t)(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{LoadBalancerArn: &d.lb})).(*elbv2api.DescribeTargetGroupsOutput)
	want := []elbv2api.TargetGroup{{
		TargetGroupArn: &d.group, TargetGroupName: new("web"), Protocol: new("HTTP"), ProtocolVersion: new("HTTP1"), Port: new(int32(8080)), VpcId: &d.VPC.ID,
		TargetType: new("ip"), IpAddressType: new("ipv4"), LoadBalancerArns: []string{d.lb},
		HealthCheckEnabled: new(true), HealthCheckProtocol: new("HTTP"), HealthCheckPort: new("traffic-port"), HealthCheckPath: new("/"),
		HealthCheckIntervalSeconds: new(int32(30)), HealthCheckTimeoutSeconds: new(int32(5)), HealthyThresholdCount: new(int32(5)), UnhealthyThresholdCount: new(int32(2)),
		Matcher: &elbv2api.Matcher{HttpCode: new("200")},
	}}
	if diff := cmp.Diff(want, out.TargetGroups); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTargetGroupRefusals(t *testing.T) {
	d := newDesk(t)
	type in = elbv2api.CreateTargetGroupInput
	for _, c := range []struct {
		name string
		set  func(in *in)
		want string
	}{
		{"same again", func(i *in) { i.Name = new("web") }, ""},
		{"same name", func(i *in) { i.Name, i.Port = new("web"), new(int32(81)) }, "DuplicateTargetGroupName: A target group with the same name 'web' exists, but with different settings"},
		{"long name", func(i *in) { i.Name = new(strings.Repeat("x", 33)) }, "ValidationError: Target group name '" + strings.Repeat("x", 33) + "' cannot be longer than '32' characters"},
		{"characters", func(i *in) { i.Name = new("a.b") }, "ValidationError: Target group name 'a.b' can only contain characters that are alphanumeric characters or hyphens(-)"},
		{"hyphen", func(i *in) { i.Name = new("-a") }, "ValidationError: Target group name '-a' cannot begin or end with '-'"},
		{"lambda", func(i *in) { i.TargetType = new("lambda") }, "NotImplemented: Neargate does not implement target type lambda"},
		{"no protocol", func(i *in) { i.Protocol = nil }, "ValidationError: A protocol must be specified"},
		{"HTTPS", func(i *in) { i.Protocol = new("GENEVE") }, "NotImplemented: Neargate does not implement target group protocol GENEVE"},
		{"no port", func(i *in) { i.Port = nil }, "ValidationError: A port must be specified"},
		{"no VPC", func(i *in) { i.VpcId = nil }, "ValidationError: A VPC ID must be specified"},
		{"unknown VPC", func(i *in) { i.VpcId = new("vpc-1") }, "ValidationError: The VPC ID 'vpc-1' is not found"},
		{"GRPC", func(i *in) { i.ProtocolVersion = new("GRPC") }, ""},
		{"version", func(i *in) { i.ProtocolVersion = new("HTTP3") }, "ValidationError: The protocol version 'HTTP3' must be one of 'GRPC, HTTP1, HTTP2'"},
		{"ipv6", func(i *in) { i.IpAddressType = new("ipv6") }, "NotImplemented: Neargate does not implement target group IP address type ipv6"},
		{"check off", func(i *in) { i.HealthCheckEnabled = new(false) }, "ValidationError: Health check enabled must be true for target groups with target type 'ip'"},
		{"check HTTPS", func(i *in) { i.HealthCheckProtocol = new("HTTPS") }, ""},
		{"check TCP", func(i *in) { i.HealthCheckProtocol = new("TCP") }, "ValidationError: Health check protocol 'TCP' is not supported for target groups with protocol 'HTTP'"},
		{"check port", func(i *in) { i.HealthCheckPort = new("0") }, "ValidationError: Health check port '0' must be"},
		{"check path", func(i *in) { i.HealthCheckPath = new("healthz") }, "ValidationError: Health check path 'healthz' is not valid"},
		{"interval", func(i *in) { i.HealthCheckIntervalSeconds = new(int32(5)) }, "ValidationError: Health check interval must be greater than the timeout."},
		{"check port with a sign", func(i *in) { i.HealthCheckPort = new("+80") }, "ValidationError: Health check port '+80' must be"},
		{"check port with a zero", func(i *in) { i.HealthCheckPort = new("080") }, "ValidationError: Health check port '080' must be"},
		{"matcher with a sign", func(i *in) { i.Matcher = &elbv2api.Matcher{HttpCode: new("200-+299")} }, "ValidationError: Health check matcher HTTP code '200-+299' is not valid"},
		{"matcher with a zero", func(i *in) { i.Matcher = &elbv2api.Matcher{HttpCode: new("0200")} }, "ValidationError: Health check matcher HTTP code '0200' is not valid"},
		{"matcher", func(i *in) { i.Matcher = &elbv2api.Matcher{HttpCode: new("200-599")} }, "ValidationError: Health check matcher HTTP code '200-599' must be within '200-499' inclusive"},
		{"matcher text", func(i *in) { i.Matcher = &elbv2api.Matcher{HttpCode: new("ok")} }, "ValidationError: Health check matcher HTTP code 'ok' is not valid"},
		{"everything", func(i *in) {
			i.HealthCheckPort, i.HealthCheckPath, i.HealthCheckIntervalSeconds, i.HealthCheckTimeoutSeconds = new("9000"), new("/healthz?full=1"), new(int32(6)), new(int32(2))
			i.HealthyThresholdCount, i.UnhealthyThresholdCount, i.Matcher = new(int32(2)), new(int32(10)), &elbv2api.Matcher{HttpCode: new("200-299,301")}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := d.groupInput("tg-" + strings.ReplaceAll(c.name, " ", "-"))
			c.set(in)
			_, err := d.CreateTargetGroup(d.ctx, in)
			check(t, err, c.want)
		})
	}
}

func TestTargetHealth(t *testing.T) {
	d := newDesk(t)
	must(t)(d.RegisterTargets(d.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: &d.group, Targets: []elbv2api.TargetDescription{{Id: new("10.0.1.9")}, {Id: new("10.0.2.9"), Port: new(int32(9000))}}}))
	d.Do(t, func(tx *state.Tx) error {
		d.Balance.Observe(tx, d.Balance.Assign(tx, 0), []balance.Observation{{TargetGroupARN: d.group, ID: "10.0.1.9", Port: 8080, Verdict: balance.Verdict{State: "healthy"}}})
		return nil
	})
	out := must(t)(d.DescribeTargetHealth(d.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: &d.group})).(*elbv2api.DescribeTargetHealthOutput)
	want := []elbv2api.TargetHealthDescription{
		{
			Target:          &elbv2api.TargetDescription{Id: new("10.0.1.9"), Port: new(int32(8080)), AvailabilityZone: new("us-east-1b")},
			HealthCheckPort: new("8080"), TargetHealth: &elbv2api.TargetHealth{State: new("healthy")},
		},
		{
			Target:          &elbv2api.TargetDescription{Id: new("10.0.2.9"), Port: new(int32(9000)), AvailabilityZone: new("us-east-1c")},
			HealthCheckPort: new("9000"), TargetHealth: &elbv2api.TargetHealth{State: new("initial"), Reason: new("Elb.RegistrationInProgress"), Description: new("Target registration is in progress")},
		},
	}
	if diff := cmp.Diff(want, out.TargetHealthDescriptions); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	out = must(t)(d.DescribeTargetHealth(d.ctx, &elbv2api.DescribeTargetHealthInput{TargetGroupArn: &d.group, Targets: []elbv2api.TargetDescription{{Id: new("10.0.1.77")}}})).(*elbv2api.DescribeTargetHealthOutput)
	want = []elbv2api.TargetHealthDescription{{
		Target:       &elbv2api.TargetDescription{Id: new("10.0.1.77"), Port: new(int32(8080))},
		TargetHealth: &elbv2api.TargetHealth{State: new("unused"), Reason: new("Target.NotRegistered"), Description: new("Target is not registered to the target group")},
	}}
	if diff := cmp.Diff(want, out.TargetHealthDescriptions); diff != "" {
		t.Errorf("one (-want +got):\n%s", diff)
	}
}

func TestInstanceGroupsStayEmpty(t *testing.T) {
	d := newDesk(t)
	in := d.groupInput("instances")
	in.TargetType = nil
	tg := must(t)(d.CreateTargetGroup(d.ctx, in)).(*elbv2api.CreateTargetGroupOutput).TargetGroups[0]
	if *tg.TargetType != "instance" {
		t.Errorf("target type %s", *tg.TargetType)
	}
	_, err := d.RegisterTargets(d.ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: tg.TargetGroupArn, Targets: []elbv2api.TargetDescription{{Id: new("i-0123456789abcdef0")}}})
	check(t, err, "InvalidTarget: The following targets are not in a running state and cannot be registered: 'i-0123456789abcdef0'")
}

func TestTags(t *testing.T) {
	d := newDesk(t)
	all := []string{d.lb, d.listener, d.rule, d.group}
	must(t)(d.AddTags(d.ctx, &elbv2api.AddTagsInput{ResourceArns: all, Tags: []elbv2api.Tag{{Key: new("b"), Value: new("2")}, {Key: new("a"), Value: new("")}, {Key: new("c"), Value: new("3")}}}))
	must(t)(d.RemoveTags(d.ctx, &elbv2api.RemoveTagsInput{ResourceArns: all, TagKeys: []string{"c", "absent"}}))
	out := must(t)(d.DescribeTags(d.ctx, &elbv2api.DescribeTagsInput{ResourceArns: all})).(*elbv2api.DescribeTagsOutput)
	for i, desc := range out.TagDescriptions {
		want := elbv2api.TagDescription{ResourceArn: &all[i], Tags: []elbv2api.Tag{{Key: new("a"), Value: new("")}, {Key: new("b"), Value: new("2")}}}
		if diff := cmp.Diff(want, desc); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	var many []elbv2api.Tag
	for i := range balance.MaxTags - 1 {
		many = append(many, elbv2api.Tag{Key: new(fmt.Sprint(i))})
	}
	_, err := d.AddTags(d.ctx, &elbv2api.AddTagsInput{ResourceArns: all[:1], Tags: many})
	check(t, err, "TooManyTags: ")
}

func TestPages(t *testing.T) {
	d := newDesk(t)
	for i := range 4 {
		must(t)(d.CreateTargetGroup(d.ctx, d.groupInput(fmt.Sprintf("g%d", i))))
	}
	var got []string
	var marker *string
	for {
		out := must(t)(d.DescribeTargetGroups(d.ctx, &elbv2api.DescribeTargetGroupsInput{PageSize: new(int32(2)), Marker: marker})).(*elbv2api.DescribeTargetGroupsOutput)
		for _, g := range out.TargetGroups {
			got = append(got, *g.TargetGroupName)
		}
		if marker = out.NextMarker; marker == nil {
			break
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"g0", "g1", "g2", "g3", "web"}) {
		t.Errorf("walked %v", got)
	}
}

// Everything AWS has an operation value for and this front claims is bound exactly once.
func TestOperationsAreBoundOnce(t *testing.T) {
	d := newDesk(t)
	seen := map[string]bool{}
	for _, b := range d.Operations() {
		if seen[b.Info.Name] {
			t.Errorf("%s is bound twice", b.Info.Name)
		}
		seen[b.Info.Name] = true
		if in := reflect.TypeOf(b.New()).Elem().Name(); in != b.Info.Name+"Input" {
			t.Errorf("%s takes %s", b.Info.Name, in)
		}
	}
}

func TestPolicies(t *testing.T) {
	d := newDesk(t)
	out := must(t)(d.DescribeSSLPolicies(d.ctx, &elbv2api.DescribeSSLPoliciesInput{Names: []string{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}})).(*elbv2api.DescribeSSLPoliciesOutput)
	p := out.SslPolicies[0]
	if !slices.Equal(p.SslProtocols, []string{"TLSv1.3", "TLSv1.2"}) || len(p.Ciphers) != 7 || *p.Ciphers[6].Name != "ECDHE-RSA-AES256-GCM-SHA384" || *p.Ciphers[6].Priority != 7 {
		t.Errorf("policy %+v", p)
	}
	_, err := d.DescribeSSLPolicies(d.ctx, &elbv2api.DescribeSSLPoliciesInput{Names: []string{"none"}})
	var e *awserr.Error
	if !errors.As(err, &e) || e.Code != "SSLPolicyNotFound" {
		t.Errorf("got %v", err)
	}
}
