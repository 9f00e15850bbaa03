package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// resetIn is how soon an account with a small service is empty.
const resetIn = 5 * time.Second

// TestReset empties the account within five seconds: tasks stopped, network gone, state empty. Images that were loaded stay.
func TestReset(t *testing.T) {
	p := start(t, "--allow-reset")
	w, b := balanced(t, p, 3)
	p.json("logs", "CreateLogGroup", map[string]any{"logGroupName": "/there"}, nil)
	p.json("ecr", "CreateRepository", map[string]any{"repositoryName": "there"}, nil)

	begin := time.Now()
	res, err := (&http.Client{Timeout: patience}).Post(p.endpoint+"/_neargate/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	took := time.Since(begin)
	t.Logf("reset in %v", took.Round(time.Millisecond))
	if res.StatusCode != http.StatusOK || took > within(resetIn) {
		t.Fatalf("reset: %s after %v: %s", res.Status, took, text)
	}
	if left := p.remains.workload(); len(left) > 0 {
		t.Errorf("left on the machine:\n  %s", strings.Join(left, "\n  "))
	}
	if _, _, err := get(b.url, b.dns); err == nil {
		t.Error("the load balancer still answers")
	}
	if out, err := w.ecs.ListClusters(t.Context(), &ecs.ListClustersInput{}); err != nil || len(out.ClusterArns) > 0 {
		t.Errorf("clusters: %+v %v", out, err)
	}
	if out, err := w.ecs.ListTaskDefinitions(t.Context(), &ecs.ListTaskDefinitionsInput{}); err != nil || len(out.TaskDefinitionArns) > 0 {
		t.Errorf("task definitions: %+v %v", out, err)
	}
	for _, v := range p.ec2("DescribeVpcs").all("vpcSet/item") {
		if v.get("vpcId") == w.vpc {
			t.Errorf("the VPC is still there")
		}
	}
	if found := p.elb("DescribeLoadBalancers").all("LoadBalancers/member"); len(found) > 0 {
		t.Errorf("%d load balancers", len(found))
	}
	var groups struct{ LogGroups []any }
	p.json("logs", "DescribeLogGroups", map[string]any{}, &groups)
	var repositories struct{ Repositories []any }
	p.json("ecr", "DescribeRepositories", map[string]any{}, &repositories)
	if len(groups.LogGroups)+len(repositories.Repositories) > 0 {
		t.Errorf("log groups %v, repositories %v", groups, repositories)
	}

	// All begins anew, with the image that was loaded before and a data plane that hears of it.
	w, b = balancedWorld(t, p, 1)
	w.only(b, "v0")
}

// TestResetIsOffByDefault: emptying an account is nothing to do by mistake.
func TestResetIsOffByDefault(t *testing.T) {
	p := start(t)
	res, err := http.Post(p.endpoint+"/_neargate/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("reset: %s", res.Status)
	}
}
