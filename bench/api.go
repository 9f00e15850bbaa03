package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// apiBar is the rate of requests, to moto_server's.
const apiBar = 20

// connections is how many clients ask at a time, besides one alone.
const connections = 16

func measureAPI(ctx context.Context, r *run) (f findings, err error) {
	p, _, err := r.platform(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, p.end(ctx)) }()
	servers := []*client{p.client}
	m, _, err := startMoto(ctx)
	if err != nil {
		f.note("moto_server was skipped: %v.", err)
	} else {
		defer m.end()
		servers = append(servers, m.client)
	}
	for _, c := range servers {
		if err := prepare(ctx, c); err != nil {
			return f, err
		}
	}
	describe, err := json.Marshal(fields{"cluster": cluster, "services": []string{"idle"}})
	if err != nil {
		return f, err
	}
	register, err := json.Marshal(definition("rate", "v1"))
	if err != nil {
		return f, err
	}
	for _, q := range []request{{"DescribeServices", describe}, {"RegisterTaskDefinition", register}} {
		for _, n := range []int{1, connections} {
			if err := q.compare(ctx, r, n, servers, &f); err != nil {
				return f, err
			}
		}
	}
	f.note("The same Go client over kept connections, which writes and reads plain HTTP/1.1 and nothing more, asks each server the same things in turn, and both share the machine with it; rates are the medians of %d rounds. "+
		"A task definition is on the disk before Neargate acknowledges it, so that one client alone waits for the disk every time; several share its writes. "+
		"moto_server keeps it in memory.", r.rounds())
	return f, nil
}

func (r *run) rounds() int { return r.times(5, 2) }

// request is one call to be repeated.
type request struct {
	op   string
	body []byte
}

// compare asks the servers in turn, round after round.
func (q request) compare(ctx context.Context, r *run, n int, servers []*client, f *findings) error {
	per := make([][]float64, len(servers))
	for range r.rounds() {
		for i, c := range servers {
			rate, err := q.rate(ctx, c, n, r.during(2*time.Second))
			if err != nil {
				return err
			}
			per[i] = append(per[i], rate)
		}
	}
	name := fmt.Sprintf("%s, %d at a time", q.op, n)
	if len(per) == 1 {
		f.add(told(name, "/s", middle(per[0])))
		return nil
	}
	f.add(ratioAtLeast(name+"; moto_server", "/s", middle(per[0]), middle(per[1]), apiBar))
	return nil
}

// rate asks a server n at a time and tells how often a second it answered.
func (q request) rate(ctx context.Context, c *client, n int, d time.Duration) (float64, error) {
	askers := make(chan *asker, n)
	for range n {
		a, err := c.asker(ctx, q)
		if err != nil {
			return 0, err
		}
		defer a.close()
		askers <- a
	}
	return rateOf(ctx, n, d, func(context.Context) func() error { return (<-askers).ask })
}

// rateOf repeats something n at a time and tells how often a second it was done. each makes one of the n that do it.
func rateOf(ctx context.Context, n int, d time.Duration, each func(context.Context) func() error) (float64, error) {
	var done atomic.Int64
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for range n {
		do := each(ctx)
		g.Go(func() error {
			for time.Since(began) < d && ctx.Err() == nil {
				if err := do(); err != nil {
					return err
				}
				done.Add(1)
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), err
}

// prepare makes a cluster and a service without tasks, with the same calls for every server.
func prepare(ctx context.Context, c *client) error {
	if err := c.ecs(ctx, "CreateCluster", fields{"clusterName": cluster}, nil); err != nil {
		return err
	}
	answer, err := c.query(ctx, ec2API, "DescribeSubnets")
	if err != nil {
		return err
	}
	subnets := answer.all("subnetId")
	if len(subnets) == 0 {
		return errors.New("no default subnets")
	}
	if answer, err = c.query(ctx, ec2API, "DescribeSecurityGroups"); err != nil {
		return err
	}
	group, err := answer.first("groupId")
	if err != nil {
		return err
	}
	arn, err := c.register(ctx, definition("idle", "v1"))
	if err != nil {
		return err
	}
	return c.ecs(ctx, "CreateService", fields{
		"cluster": cluster, "serviceName": "idle", "taskDefinition": arn, "desiredCount": 0, "launchType": "FARGATE",
		"networkConfiguration": fields{"awsvpcConfiguration": fields{"subnets": subnets[:1], "securityGroups": []string{group}}},
	}, nil)
}
