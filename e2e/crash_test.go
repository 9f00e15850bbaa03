package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// balanced is a platform with a service of the demo application behind a load balancer.
func balanced(t *testing.T, p *platform, count int32) (*world, balancer) {
	t.Helper()
	p.load(built.app, "demo/web:latest")
	return balancedWorld(t, p, count)
}

func balancedWorld(t *testing.T, p *platform, count int32) (*world, balancer) {
	t.Helper()
	w := p.build("10.0")
	public, private := w.group("public"), w.group("private")
	w.admitGroup(private, public, 8080)
	b := w.balancer("web", public)
	w.service("web", w.web("v0"), count, b, private, 100, 200)
	w.steady("web")
	w.healthy(b.targets, int(count))
	return w, b
}

// TestControlPlaneCrashes kills serve at random moments of deployments under load and starts it again: no request fails, the
// deployment completes, and what runs is what the API tells, no container more.
func TestControlPlaneCrashes(t *testing.T) {
	p := alone(t)
	const count = 4
	w, b := balanced(t, p, count)
	random := rand.New(rand.NewPCG(seed(t), 0))
	l := newLoad(t, b.url, b.dns)
	for i := range *crashes {
		version := fmt.Sprintf("v%d", i+1)
		definition := w.web(version)
		w.update("web", ecs.UpdateServiceInput{TaskDefinition: &definition})
		wait := time.Duration(random.IntN(1500)) * time.Millisecond
		time.Sleep(wait)
		p.kill()
		begin := time.Now()
		p.launch()
		t.Logf("%s: killed %v after the update, ready again in %v", version, wait, time.Since(begin).Round(time.Millisecond))
		w.steady("web")
		w.only(b, version)
		w.consistent()
		if t.Failed() {
			break
		}
	}
	l.check(t)
}

// consistent checks that the containers which run are those of the API's tasks: none too many, none twice.
func (w *world) consistent() {
	w.t.Helper()
	w.eventually(patience, "containers are those of the tasks", func() error {
		var told []string
		pages := ecs.NewListTasksPaginator(w.ecs, &ecs.ListTasksInput{Cluster: &w.cluster})
		for pages.HasMorePages() {
			page, err := pages.NextPage(w.t.Context())
			if err != nil {
				return err
			}
			if len(page.TaskArns) == 0 {
				continue
			}
			for _, task := range w.describe(page.TaskArns...) {
				for _, c := range task.Containers {
					if *task.LastStatus == "RUNNING" {
						told = append(told, *c.RuntimeId)
					}
				}
			}
		}
		found := w.remains.containers()
		slices.Sort(told)
		if !slices.Equal(told, found) {
			return fmt.Errorf("the API tells of %v, the machine runs %v", told, found)
		}
		return nil
	})
}

// backIn is how soon traffic is back after the kill of an edge that had lived for a while.
const backIn = time.Second

// TestDataPlaneCrash kills edge: it is back within a second, with what it knew.
func TestDataPlaneCrash(t *testing.T) {
	p := alone(t)
	w, b := balanced(t, p, 2)
	for i := range 3 {
		if i > 0 {
			time.Sleep(2 * time.Second) // one that ends in its first second is let rest before it is started again
		}
		before, begin := p.killEdge()
		p.answers(b)
		took := time.Since(begin)
		t.Logf("traffic is back %v after the kill of edge", took.Round(time.Millisecond))
		if took > within(backIn) {
			t.Errorf("traffic was back %v after the kill of edge", took)
		}
		p.eventually(patience, "another edge is written down", func() error {
			if now := p.edge(); now == before || !now.Alive() {
				return fmt.Errorf("%v after %v", now, before)
			}
			return nil
		})
	}
	w.consistent()
}

// answers waits until a load balancer's target answers.
func (p *platform) answers(b balancer) {
	p.t.Helper()
	p.eventually(patience, "traffic is back", func() error {
		code, _, err := get(b.url, b.dns)
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("%d", code)
		}
		return err
	})
}

// TestBothPlanesCrash: what was acknowledged is there after kill -9 of everything, and traffic comes back.
func TestBothPlanesCrash(t *testing.T) {
	p := start(t)
	w, b := balanced(t, p, 2)
	tasks := w.running("web")
	vpc := p.ec2("CreateVpc", "CidrBlock", "10.99.0.0/16").get("vpc/vpcId")
	p.kill()
	p.killEdge()
	p.launch()
	if got := p.ec2("DescribeVpcs", "VpcId.1", vpc).get("vpcSet/item/cidrBlock"); got != "10.99.0.0/16" {
		t.Errorf("the VPC made last has block %q", got)
	}
	p.answers(b)
	w.steady("web")
	if now := w.running("web"); !slices.Equal(now, tasks) {
		t.Errorf("tasks before %v, after %v", tasks, now)
	}
	w.consistent()
}

// TestTermination: a service manager's stop leaves tasks and traffic, and the next start takes them over.
func TestTermination(t *testing.T) {
	p := start(t)
	w, b := balanced(t, p, 2)
	tasks, containers := w.running("web"), p.remains.containers()
	l := newLoad(t, b.url, b.dns)
	if err := p.terminate(); err != nil {
		t.Fatalf("serve after SIGTERM: %v", err)
	}
	time.Sleep(time.Second) // of load without a control plane
	if now := p.remains.containers(); !slices.Equal(now, containers) {
		t.Errorf("containers before %v, after %v", containers, now)
	}
	p.launch()
	w.steady("web")
	if now := w.running("web"); !slices.Equal(now, tasks) {
		t.Errorf("tasks before %v, after %v", tasks, now)
	}
	w.consistent()
	l.check(t)

	// A platform that has crashed is taken down without its control plane.
	p.kill()
	p.down()
	if left := p.remains.all(); len(left) > 0 {
		t.Errorf("left after down: %v", left)
	}
}

func (w *world) running(service string) []string {
	w.t.Helper()
	out, err := w.ecs.ListTasks(w.t.Context(), &ecs.ListTasksInput{Cluster: &w.cluster, ServiceName: &service, DesiredStatus: types.DesiredStatusRunning})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(out.TaskArns)
	return out.TaskArns
}
