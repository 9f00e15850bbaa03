package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestTerraform takes examples/web-service from nothing to nothing with the AWS provider: apply, an empty second plan, a rollout
// by a change of variables, destroy.
func TestTerraform(t *testing.T) {
	p := beside(t)
	s := p.stack("web-service")
	run := s.run
	run("apply", "-auto-approve", "-target=aws_ecr_repository.web")
	push(t, p, s.output("repository_url"), "v1", "v2")
	run("apply", "-auto-approve")

	var out struct{ URL, Cluster, Service struct{ Value string } }
	if err := json.Unmarshal([]byte(p.run(s.dir, s.env, s.terraform, "output", "-json")), &out); err != nil {
		t.Fatal(err)
	}
	host := strings.TrimSuffix(strings.TrimPrefix(out.URL.Value, "http://"), "/")
	url := ""
	for _, lb := range p.status().LoadBalancers {
		if lb.DNSName == host {
			url = lb.Address
		}
	}
	answers := func(version string) {
		t.Helper()
		if code, body, err := get(url+"/", host); err != nil || code != http.StatusOK || !strings.Contains(body, "version "+version) {
			t.Errorf("%s: %d %q %v", out.URL.Value, code, body, err)
		}
	}
	answers("v1")
	if code, body, err := get(url+"/maintenance/x", host); err != nil || code != http.StatusServiceUnavailable || body != "back soon" {
		t.Errorf("the listener's rule: %d %q %v", code, body, err)
	}
	run("plan", "-detailed-exitcode") // 2 would say that something differs

	run("apply", "-auto-approve", "-var=image_tag=v2", "-var=desired_count=3")
	answers("v2")
	w := &world{platform: p, ecs: p.ecs(), cluster: out.Cluster.Value}
	if service := w.describeService(out.Service.Value); service.RunningCount != 3 || len(service.Deployments) != 1 {
		t.Errorf("%d of 3 tasks, %d deployments", service.RunningCount, len(service.Deployments))
	}
	w.consistent()
	run("plan", "-detailed-exitcode", "-var=image_tag=v2", "-var=desired_count=3")

	run("destroy", "-auto-approve")
	p.workloadGone("destroy")
}

// push uploads the demo application to a repository of the platform's registry, as docker push does.
func push(t *testing.T, p *platform, repository string, tags ...string) {
	t.Helper()
	img, err := tarball.ImageFromPath(built.app, nil)
	if err != nil {
		t.Fatal(err)
	}
	var token struct {
		AuthorizationData []struct{ AuthorizationToken, ProxyEndpoint string }
	}
	p.json("ecr", "GetAuthorizationToken", map[string]any{}, &token)
	auth := authn.FromConfig(authn.AuthConfig{Auth: token.AuthorizationData[0].AuthorizationToken})
	for _, tag := range tags {
		ref, err := name.NewTag(repository+":"+tag, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img, remote.WithAuth(auth), remote.WithContext(t.Context())); err != nil {
			t.Fatalf("push %s: %v", ref, err)
		}
	}
}
