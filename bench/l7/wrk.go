package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// measure runs wrk against a proxy once.
func measure(w work, o options, p *proxy) (result, error) {
	args := []string{"-c", o.others, "wrk", "-t1", "-c" + strconv.Itoa(o.connections), "-d" + o.duration.String(), "--latency"}
	if p.cookie != "" {
		args = append(args, "-H", "Cookie: "+p.cookie)
	}
	args = append(append(args, w.wrk...), p.url(w.path))
	if p.change != nil {
		stop := p.keepChanging()
		defer stop()
	}
	before, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	out, err := exec.Command("taskset", args...).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := p.CPU()
	if err != nil {
		return result{}, err
	}
	return parse(string(out), after-before)
}

// parse reads what wrk prints.
func parse(out string, cpu time.Duration) (result, error) {
	var r result
	var requests float64
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		var err error
		switch {
		case len(f) == 2 && f[0] == "50%":
			r.P50, err = milliseconds(f[1])
		case len(f) == 2 && f[0] == "99%":
			r.P99, err = milliseconds(f[1])
		case len(f) == 2 && f[0] == "Requests/sec:":
			r.PerSecond, err = strconv.ParseFloat(f[1], 64)
		case len(f) > 3 && f[1] == "requests" && f[2] == "in":
			requests, err = strconv.ParseFloat(f[0], 64)
		case strings.HasPrefix(strings.TrimSpace(line), "Socket errors:"):
			for _, word := range strings.FieldsFunc(line, func(c rune) bool { return c < '0' || c > '9' }) {
				n, _ := strconv.Atoi(word)
				r.Failed += n
			}
		case len(f) == 4 && f[0] == "Non-2xx":
			var n int
			n, err = strconv.Atoi(f[3])
			r.Failed += n
		}
		if err != nil {
			return r, fmt.Errorf("wrk line %q: %w", line, err)
		}
	}
	if requests == 0 {
		return r, fmt.Errorf("wrk reports no requests:\n%s", out)
	}
	r.PerCPUSecond = requests / cpu.Seconds()
	return r, nil
}

func milliseconds(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	return float64(d) / float64(time.Millisecond), err
}
