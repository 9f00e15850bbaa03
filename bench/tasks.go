package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// Bars of a task's life.
const (
	startRatioBar = 1.3 // RunTask accepted → RUNNING, to ctr run
	cyclesBar     = 12  // per second: run → RUNNING → stop → STOPPED
)

func measureTasks(ctx context.Context, r *run) (f findings, err error) {
	image, err := r.demoImage(ctx)
	if err != nil {
		return f, err
	}
	p, _, err := r.platform(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, p.end(ctx)) }()
	t, err := newRunner(ctx, p, image)
	if err != nil {
		return f, err
	}
	if err := startLatency(ctx, r, t, image, &f); err != nil {
		return f, err
	}
	return f, cycles(ctx, r, t, &f)
}

// startLatency runs a task and a container of the peer in turn.
func startLatency(ctx context.Context, r *run, t *runner, image string, f *findings) error {
	peer, err := startContainerd(ctx, r, image)
	if err != nil {
		f.note("`ctr run` was skipped: %v.", err)
	} else {
		defer peer.end()
	}
	n := r.times(50, 10)
	var accepted, sent, theirs sample
	for i := range n + 1 {
		a, s, err := t.start(ctx)
		if err != nil {
			return err
		}
		var p time.Duration
		if peer != nil {
			if p, err = peer.run(ctx, fmt.Sprintf("c%d", i)); err != nil {
				return err
			}
		}
		if i == 0 {
			continue // caches are cold
		}
		accepted, sent, theirs = append(accepted, a), append(sent, s), append(theirs, p)
	}
	name := fmt.Sprintf("RunTask accepted → RUNNING, p50 of %d, one at a time", n)
	if peer == nil {
		f.add(told(name, "ms", ms(accepted.median())))
		return nil
	}
	f.add(ratioAtMost(name+"; `ctr run -d`", "ms", ms(accepted.median()), ms(theirs.median()), startRatioBar),
		beside("the same, p90", "ms", ms(accepted.quantile(0.9)), ms(theirs.quantile(0.9))),
		beside("RunTask sent → RUNNING, p50", "ms", ms(sent.median()), ms(theirs.median())))
	f.note("The task has its own network interface with a security group and an address in a subnet; `ctr run` has a namespace with nothing in it. " +
		"Both have the same image, present and unpacked, and the same limits. RUNNING is seen by polling DescribeTasks every 2 ms.")
	return nil
}

// cycles finds the parallelism at which most whole lives fit into a second.
func cycles(ctx context.Context, r *run, t *runner, f *findings) error {
	var best float64
	var at int
	text := ""
	for _, n := range []int{1, 2, 4, 8, 16} {
		rate, err := t.cycles(ctx, n, r.during(10*time.Second))
		if err != nil {
			return err
		}
		if rate > best {
			best, at = rate, n
		}
		text += fmt.Sprintf(", %d: %.1f", n, rate)
	}
	f.add(atLeast(fmt.Sprintf("whole lives (run → RUNNING → stop → STOPPED), best at %d at a time", at), "/s", best, cyclesBar))
	f.note("Whole lives per second by how many at a time: %s.", text[2:])
	return nil
}

// runner runs single tasks and sees what becomes of them.
type runner struct {
	*platform
	request fields
	watch   *watch
}

func newRunner(ctx context.Context, p *platform, image string) (*runner, error) {
	if err := p.loadImage(ctx, image, imageName); err != nil {
		return nil, err
	}
	v, err := p.makeVPC(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.ecs(ctx, "CreateCluster", fields{"clusterName": cluster}, nil); err != nil {
		return nil, err
	}
	arn, err := p.register(ctx, definition("single", "v1"))
	if err != nil {
		return nil, err
	}
	return &runner{platform: p, watch: newWatch(p.client), request: fields{
		"cluster": cluster, "taskDefinition": arn, "launchType": "FARGATE", "networkConfiguration": v.networkConfiguration(),
	}}, nil
}

func (t *runner) run(ctx context.Context) (string, error) {
	var out struct {
		Tasks    []struct{ TaskArn string }
		Failures []fields
	}
	if err := t.ecs(ctx, "RunTask", t.request, &out); err != nil {
		return "", err
	}
	if len(out.Tasks) != 1 {
		return "", fmt.Errorf("RunTask: failures %v", out.Failures)
	}
	return out.Tasks[0].TaskArn, nil
}

func (t *runner) stop(ctx context.Context, arn string) error {
	return t.ecs(ctx, "StopTask", fields{"cluster": cluster, "task": arn}, nil)
}

// start runs one task until it runs, then gets rid of it. It tells the time from the answer and from the request on.
func (t *runner) start(ctx context.Context) (accepted, sent time.Duration, err error) {
	t0 := time.Now()
	arn, err := t.run(ctx)
	if err != nil {
		return 0, 0, err
	}
	t1 := time.Now()
	if err := t.watch.alone(ctx, arn, "RUNNING"); err != nil {
		return 0, 0, err
	}
	now := time.Now()
	if err := t.stop(ctx, arn); err != nil {
		return 0, 0, err
	}
	return now.Sub(t1), now.Sub(t0), t.watch.alone(ctx, arn, "STOPPED")
}

// cycles lives whole lives, n at a time, and tells how many ended in a second.
func (t *runner) cycles(ctx context.Context, n int, d time.Duration) (float64, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go t.watch.run(watching)
	began := time.Now()
	lives := make([]int, n)
	g, ctx := errgroup.WithContext(ctx)
	for i := range n {
		g.Go(func() error {
			for time.Since(began) < d {
				arn, err := t.run(ctx)
				if err != nil {
					return err
				}
				if err := t.watch.until(ctx, arn, "RUNNING"); err != nil {
					return err
				}
				if err := t.stop(ctx, arn); err != nil {
					return err
				}
				if err := t.watch.until(ctx, arn, "STOPPED"); err != nil {
					return err
				}
				lives[i]++
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	sum := 0
	for _, k := range lives {
		sum += k
	}
	return float64(sum) / time.Since(began).Seconds(), nil
}
