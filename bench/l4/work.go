package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

// work is one thing both proxies are asked to do.
type work struct {
	name        string
	unit        string
	verb        string
	connections int
}

var works = []work{
	{"stream from the target, 8 connections", "MB", "download", 8},
	{"stream to the target, 8 connections", "MB", "upload", 8},
	{"stream from the target, 1 connection", "MB", "download", 1},
	{"new connection per octet, 64 at a time", "conn", "connect", 64},
	{"round trips of 64 octets, 64 connections", "trip", "echo", 64},
}

// result is one measurement.
type result struct {
	PerSecond    float64 `json:"perSecond"`
	PerCPUSecond float64 `json:"perCPUSecond"` // per second of the proxy's CPU time
	Failed       int64   `json:"failed"`
}

// comparison is the medians of one work, and Neargate's ratio to HAProxy.
type comparison struct {
	Work        string  `json:"work"`
	Unit        string  `json:"unit"`
	HAProxy     result  `json:"haproxy"`
	Neargate    result  `json:"neargate"`
	Ratio       float64 `json:"ratioPerSecond"`
	RatioPerCPU float64 `json:"ratioPerCPUSecond"`
}

// compare measures both in turn, round after round.
func compare(self string, w work, o options, haproxy, edge *pinned.Process) (comparison, error) {
	var all [2][]result
	for round := range o.rounds {
		for i, p := range []*pinned.Process{haproxy, edge} {
			r, err := pinned.Calmly(func() (result, error) { return measure(self, w, o, p) })
			if err != nil {
				return comparison{}, fmt.Errorf("round %d: %s: %w", round, p.Name, err)
			}
			all[i] = append(all[i], r)
		}
	}
	c := comparison{Work: w.name, Unit: w.unit, HAProxy: median(all[0]), Neargate: median(all[1])}
	c.Ratio = c.Neargate.PerSecond / c.HAProxy.PerSecond
	c.RatioPerCPU = c.Neargate.PerCPUSecond / c.HAProxy.PerCPUSecond
	return c, nil
}

func measure(self string, w work, o options, p *pinned.Process) (result, error) {
	before, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	command := exec.Command("taskset", "-c", o.others, self, clientVerb, w.verb, p.Address, o.duration.String(), strconv.Itoa(w.connections))
	command.Stderr = os.Stderr
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := command.Output()
	if err != nil {
		return result{}, err
	}
	took := time.Since(began)
	after, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	var t tally
	if err := json.Unmarshal(out, &t); err != nil {
		return result{}, err
	}
	return result{PerSecond: t.Units / took.Seconds(), PerCPUSecond: t.Units / (after - before).Seconds(), Failed: t.Failed}, nil
}

// median takes the median of each figure and the sum of failures.
func median(all []result) result {
	m := result{
		PerSecond:    pinned.Median(all, func(r result) float64 { return r.PerSecond }),
		PerCPUSecond: pinned.Median(all, func(r result) float64 { return r.PerCPUSecond }),
	}
	for _, r := range all {
		m.Failed += r.Failed
	}
	return m
}

func (c comparison) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n", c.Work)
	for _, line := range []struct {
		name string
		r    result
	}{{"haproxy", c.HAProxy}, {"neargate", c.Neargate}} {
		fmt.Fprintf(w, "  %-9s %9.0f %s/s  %9.0f %s/cpu-s  %d failed\n",
			line.name, line.r.PerSecond, c.Unit, line.r.PerCPUSecond, c.Unit, line.r.Failed)
	}
	fmt.Fprintf(w, "  ratio     %9.2f %*s %9.2f\n", c.Ratio, len(c.Unit)+3, "", c.RatioPerCPU)
}
