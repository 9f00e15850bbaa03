package demo

import (
	"context"
	"fmt"
	"io"
	"sort"
	"time"
)

// Config is what a demo runs on.
type Config struct {
	Endpoint string
	Region   string
	Out      io.Writer
	Terminal bool
}

const (
	requests = 200
	clients  = 8
	// settle is how long the load goes on after the deployment has completed.
	settle = 2 * time.Second
)

// Result is what came of it.
type Result struct {
	URL    string
	Sent   int
	Failed int
	Rolled time.Duration // length of the deployment
}

// Summary is the one line that says it.
func (r Result) Summary() string {
	return fmt.Sprintf("demo: %d requests, %d failed; v1 → v2 rolled over in %.1f s under load", r.Sent, r.Failed, r.Rolled.Seconds())
}

// Held says whether everything did.
func (r Result) Held() bool { return r.Failed == 0 && r.Sent > requests }

// Run builds the picture, sends requests and rolls the service over. It leaves
// everything in place.
func Run(ctx context.Context, c Config) (Result, error) {
	b := &builder{api: newAPI(c.Endpoint, c.Region), screen: &screen{out: c.Out, terminal: c.Terminal}}
	b.screen.title("Building a production service through the AWS APIs at " + c.Endpoint)
	for _, s := range steps() {
		b.screen.begin(s.what)
		result, err := s.do(b, ctx)
		b.screen.end(err, result)
		if err != nil {
			return Result{}, err
		}
	}
	total := newTally()
	if err := b.visit(ctx, total); err != nil {
		return Result{}, err
	}
	rolled, err := b.roll(ctx, total)
	if err != nil {
		return Result{}, err
	}
	sent, failed := total.numbers()
	return Result{URL: b.url, Sent: sent, Failed: failed, Rolled: rolled}, nil
}

// visit sends requests and shows who answered.
func (b *builder) visit(ctx context.Context, total *tally) error {
	b.screen.begin(fmt.Sprintf("%d requests", requests))
	here := newTally()
	c := browser(true)
	defer c.CloseIdleConnections()
	for range requests {
		if err := ctx.Err(); err != nil {
			b.screen.end(err, "")
			return err
		}
		r, err := ask(ctx, c, b.url)
		here.count(r, err)
		total.count(r, err)
	}
	b.screen.end(nil, fmt.Sprintf("%d failed", here.failed))
	b.failures(here)
	all, err := b.addresses(ctx)
	if err != nil {
		return err
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ip < all[j].ip })
	b.screen.title(b.url)
	for _, a := range all {
		n := here.addresses[a.ip]
		b.screen.line("   task %.8s  %s  %-12s %s  %3d requests %s", a.task, a.eni, a.ip, a.subnet, n, b.screen.paint(green, bar(n, requests, 40)))
	}
	return nil
}

func (b *builder) failures(t *tally) {
	for _, e := range t.errors {
		b.screen.line("     failed request: %s", e)
	}
}

// roll deploys v2 while requests keep coming.
func (b *builder) roll(ctx context.Context, total *tally) (time.Duration, error) {
	b.screen.title("Rolling deployment to v2 under load")
	b.screen.begin("v1 → v2")
	here := newTally()
	loading, stop := context.WithCancel(ctx)
	defer stop()
	wg := pressure(loading, b.url, clients, here)
	began := time.Now()
	definition, err := b.define(ctx, "v2")
	if err == nil {
		err = b.update(ctx, definition)
	}
	if err == nil {
		err = b.steady(ctx)
	}
	took := time.Since(began)
	if err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(settle):
		}
	}
	stop()
	wg.Wait()
	b.screen.end(err, fmt.Sprintf("%d requests (v1 %d, v2 %d), %d failed", here.sent, here.versions["v1"], here.versions["v2"], here.failed))
	b.failures(here)
	total.mu.Lock()
	defer total.mu.Unlock()
	total.sent += here.sent
	total.failed += here.failed
	if err == nil && here.versions["v2"] == 0 {
		err = fmt.Errorf("no request was answered by v2")
	}
	return took, err
}
