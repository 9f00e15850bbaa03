package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/neargate/neargate/bench/pinned"
)

// work is one thing contestants are asked to do; the first of them is the one the others are peers of.
type work struct {
	name        string
	path        string   // at the target
	wrk         []string // further arguments
	contestants []contestant
}

// all has every program do the work in the same setup.
func all(s setup) []contestant {
	return []contestant{{program: neargate, setup: s}, {program: nginx, setup: s}, {program: haproxy, setup: s}}
}

var works = []work{
	{"keep-alive, 1 KB", "/1k", nil, all(plain)},
	{"keep-alive, 1 KB, 20 rules, sticky", "/1k", nil, all(typical)},
	{"keep-alive, 64 KB", "/64k", nil, all(plain)},
	{"keep-alive, 1 MB", "/1m", nil, all(plain)},
	{"TLS 1.3 keep-alive, 1 KB", "/1k", nil, all(secured)},
	{"TLS 1.3 keep-alive, 64 KB", "/64k", nil, all(secured)},
	{"TLS 1.3 keep-alive, 1 MB", "/1m", nil, all(secured)},
	// wrk resumes no sessions: each connection has a full handshake.
	{"TLS 1.3 handshakes, ECDSA P-256, 1 KB", "/1k", []string{"-H", "Connection: close"}, all(secured)},
	{"HTTP/2 over TLS, 10 streams, 1 KB", "/1k", nil, append(all(streams), contestant{program: caddy, setup: streams})},
	{"HTTP/2 over TLS, 10 streams, 64 KB", "/64k", nil, append(all(streams), contestant{program: caddy, setup: streams})},
	{"new connection per request, 1 KB", "/1k", []string{"-H", "Connection: close"}, all(plain)},
	{"1,000 targets, 100 rules", "/1k", nil, []contestant{
		{neargate, large, "1,000 targets, 100 rules"},
		{neargate, small, "2 targets, 1 rule"},
		{nginx, large, "nginx, 1,000 and 100"},
		{nginx, small, "nginx, 2 and 1"},
		{haproxy, large, "haproxy, 1,000 and 100"},
		{haproxy, small, "haproxy, 2 and 1"},
	}},
	{"2 targets, 100 rules", "/1k", nil, []contestant{
		{neargate, small.with(func(s *setup) { s.rules = large.rules }), "100 rules"}, {neargate, small, "1 rule"},
	}},
	{"weights and targets changed 100 times a second", "/1k", nil, []contestant{
		{neargate, typical.with(func(s *setup) { s.changing = true }), "changing"}, {neargate, typical, "unchanged"},
	}},
}

// result is the median of a contestant's measurements.
type result struct {
	Name         string  `json:"name"`
	PerSecond    float64 `json:"perSecond"`    // requests
	PerCPUSecond float64 `json:"perCPUSecond"` // requests per second of the proxy's CPU time
	P50          float64 `json:"p50ms"`
	P99          float64 `json:"p99ms"`
	Failed       int     `json:"failed"`
}

// comparison is one work, the contestant it is about first.
type comparison struct {
	Work    string   `json:"work"`
	Results []result `json:"results"`
}

type report struct {
	Works []comparison `json:"works"`
	Idle  *idle        `json:"idle,omitempty"`
}

// compare measures the contestants in turn, round after round.
func compare(w work, o options, dir string, port int) (comparison, error) {
	proxies := make([]*proxy, len(w.contestants))
	for i, c := range w.contestants {
		p, err := launch(c, filepath.Join(dir, strconv.Itoa(i)), o, port)
		if err != nil {
			return comparison{}, fmt.Errorf("%s: %w", c.name(), err)
		}
		defer p.Stop()
		if c.setup.sticky {
			if p.cookie, err = cookies(p, w.path); err != nil {
				return comparison{}, fmt.Errorf("%s: %w", c.name(), err)
			}
		}
		proxies[i] = p
	}
	results := make([][]result, len(proxies))
	for round := range o.rounds {
		for i, p := range proxies {
			take := measure
			if w.contestants[i].setup.http2 {
				take = measureHTTP2
			}
			r, err := pinned.Calmly(func() (result, error) { return take(w, o, p) })
			if err != nil {
				return comparison{}, fmt.Errorf("round %d: %s: %w", round, w.contestants[i].name(), err)
			}
			results[i] = append(results[i], r)
		}
	}
	c := comparison{Work: w.name}
	for i, r := range results {
		m := median(r)
		m.Name = w.contestants[i].name()
		c.Results = append(c.Results, m)
	}
	return c, nil
}

// cookies are those a client has after its first request.
func cookies(p *proxy, path string) (string, error) {
	resp, err := http.Get("http://" + p.Address + path)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	pairs := []string{"route=a"}
	for _, c := range resp.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	if len(pairs) > 1 {
		pairs = pairs[1:]
	}
	return strings.Join(pairs, "; "), nil
}

// median takes the median of each figure and the sum of failures.
func median(all []result) result {
	m := result{
		PerSecond:    pinned.Median(all, func(r result) float64 { return r.PerSecond }),
		PerCPUSecond: pinned.Median(all, func(r result) float64 { return r.PerCPUSecond }),
		P50:          pinned.Median(all, func(r result) float64 { return r.P50 }),
		P99:          pinned.Median(all, func(r result) float64 { return r.P99 }),
	}
	for _, r := range all {
		m.Failed += r.Failed
	}
	return m
}

func (c comparison) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n", c.Work)
	us := c.Results[0]
	for i, r := range c.Results {
		fmt.Fprintf(w, "  %-25s %8.0f req/s  %8.0f req/cpu-s  p50 %6.2f ms  p99 %6.2f ms  %d failed", r.Name, r.PerSecond, r.PerCPUSecond, r.P50, r.P99, r.Failed)
		if i > 0 {
			fmt.Fprintf(w, "   we: × %.2f, per cpu-s × %.2f, p99 × %.2f", us.PerSecond/r.PerSecond, us.PerCPUSecond/r.PerCPUSecond, us.P99/r.P99)
		}
		fmt.Fprintln(w)
	}
}
