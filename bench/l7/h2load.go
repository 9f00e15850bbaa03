package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// streamsEach is how many requests are under way per connection.
const streamsEach = 10

// measureHTTP2 runs h2load against a proxy once.
func measureHTTP2(w work, o options, p *proxy) (result, error) {
	dir, err := os.MkdirTemp("", "neargate-h2load-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "log")
	before, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	out, err := exec.Command("taskset", "-c", o.others, "h2load", "-t1", "-c"+strconv.Itoa(o.connections), "-m"+strconv.Itoa(streamsEach),
		"-D"+strconv.FormatFloat(o.duration.Seconds(), 'f', -1, 64), "--log-file="+log, p.url(w.path)).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("h2load: %w: %s", err, out)
	}
	after, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	r, requests, err := parseHTTP2(string(out))
	if err != nil {
		return r, err
	}
	r.PerCPUSecond = requests / (after - before).Seconds()
	r.P50, r.P99, err = percentiles(log)
	return r, err
}

// parseHTTP2 reads what h2load prints: its line of requests, and that of status codes. It takes a redirect for a success, we do not.
func parseHTTP2(out string) (r result, succeeded float64, err error) {
	for line := range strings.Lines(out) {
		f := strings.Fields(strings.ReplaceAll(line, ",", ""))
		switch {
		case len(f) > 4 && f[0] == "finished" && f[4] == "req/s":
			r.PerSecond, err = strconv.ParseFloat(f[3], 64)
		case len(f) > 8 && f[0] == "requests:":
			var total, ended int
			_, err = fmt.Sscan(f[1]+" "+f[7], &total, &ended)
			r.Failed += total - ended
		case len(f) > 8 && f[0] == "status" && f[1] == "codes:":
			var redirects int
			_, err = fmt.Sscan(f[2]+" "+f[4], &succeeded, &redirects)
			r.Failed += redirects
		}
		if err != nil {
			return r, 0, fmt.Errorf("h2load line %q: %w", line, err)
		}
	}
	if succeeded == 0 {
		return r, 0, fmt.Errorf("h2load reports no requests:\n%s", out)
	}
	return r, succeeded, nil
}

// percentiles reads the durations of requests, in microseconds, from the third column of h2load's log.
func percentiles(file string) (p50, p99 float64, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	var all []float64
	for line := range strings.Lines(string(content)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		us, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return 0, 0, fmt.Errorf("h2load log %q: %w", line, err)
		}
		all = append(all, us/1000)
	}
	if len(all) == 0 {
		return 0, 0, fmt.Errorf("h2load has logged nothing")
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100], nil
}
