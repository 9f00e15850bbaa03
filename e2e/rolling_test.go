package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestRollingDeployment replaces the ten tasks of a service under constant load: no request fails, and the number of tasks stays
// within the deployment's percentages at every look.
func TestRollingDeployment(t *testing.T) {
	p := alone(t)
	p.load(built.app, "demo/web:latest")
	w := p.build("10.0")
	public, private := w.group("public"), w.group("private")
	w.admitGroup(private, public, 8080)
	b := w.balancer("web", public)
	const count, minimum, maximum = 10, 80, 140
	w.service("web", w.web("v0"), count, b, private, minimum, maximum)
	w.steady("web")
	w.healthy(b.targets, count)

	for i := range *rolls {
		version := fmt.Sprintf("v%d", i+1)
		l := newLoad(t, b.url, b.dns)
		watch := w.watch("web", count*minimum/100, count*maximum/100)
		definition := w.web(version)
		begin := time.Now()
		w.update("web", ecs.UpdateServiceInput{TaskDefinition: &definition})
		w.steady("web")
		t.Logf("%s is steady after %v", version, time.Since(begin).Round(100*time.Millisecond))
		watch.check(t)
		w.only(b, version)
		l.check(t)
	}
}

// only checks that every answer is of one version.
func (w *world) only(b balancer, version string) {
	w.t.Helper()
	for range 20 {
		if code, body, err := get(b.url, b.dns); err != nil || code != 200 || !strings.HasPrefix(body, "version "+version+"\n") {
			w.t.Fatalf("after the deployment of %s: %d %q %v", version, code, body, err)
		}
	}
}

// watch looks at a service all the time.
type watch struct {
	stop  context.CancelFunc
	wait  sync.WaitGroup
	looks int
	wrong []string
	least int32
	most  int32
}

func (w *world) watch(service string, least, most int32) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	o := &watch{stop: cancel, least: least, most: most}
	o.wait.Go(func() {
		for ctx.Err() == nil {
			if s, err := w.tryDescribeService(service); err == nil {
				o.note(s)
			}
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	w.t.Cleanup(func() { o.end() })
	return o
}

func (o *watch) note(s types.Service) {
	o.looks++
	var running, all int32
	for _, d := range s.Deployments {
		running += d.RunningCount
		all += d.RunningCount + d.PendingCount
	}
	if (running < o.least || all > o.most) && len(o.wrong) < 10 {
		o.wrong = append(o.wrong, fmt.Sprintf("%d running, %d with those pending", running, all))
	}
}

func (o *watch) end() {
	o.stop()
	o.wait.Wait()
}

func (o *watch) check(t *testing.T) {
	t.Helper()
	o.end()
	if len(o.wrong) > 0 || o.looks < 10 {
		t.Errorf("%d looks, tasks beyond %d to %d: %v", o.looks, o.least, o.most, o.wrong)
	}
}
