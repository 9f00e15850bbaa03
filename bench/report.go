package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// findings is what a section found.
type findings struct {
	figures []figure
	notes   []string
}

func (f *findings) add(all ...figure) { f.figures = append(f.figures, all...) }

func (f *findings) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// figure is one line of a table, ready to be read.
type figure struct {
	name, us, peer, ratio, bar string
	verdict                    verdict
}

type verdict string

// Values of verdict.
const (
	met     verdict = "met"
	missed  verdict = "**not met**"
	noBar   verdict = ""
	skipped verdict = "skipped"
)

func judged(ok bool) verdict {
	if ok {
		return met
	}
	return missed
}

// atMost is a figure with an upper bar of its own.
func atMost(name, unit string, us, bar float64) figure {
	return figure{name: name, us: amount(us, unit), bar: "≤ " + amount(bar, unit), verdict: judged(us <= bar)}
}

// atLeast is a figure with a lower bar of its own.
func atLeast(name, unit string, us, bar float64) figure {
	return figure{name: name, us: amount(us, unit), bar: "≥ " + amount(bar, unit), verdict: judged(us >= bar)}
}

// told is a figure without a bar.
func told(name, unit string, us float64) figure { return figure{name: name, us: amount(us, unit)} }

// beside is a figure next to a peer's, without a bar; the methods give it one.
func beside(name, unit string, us, peer float64) figure {
	return figure{name: name, us: amount(us, unit), peer: amount(peer, unit), ratio: short(us/peer) + " ×"}
}

// ratioAtMost holds us/peer against an upper bar.
func ratioAtMost(name, unit string, us, peer, bar float64) figure {
	f := beside(name, unit, us, peer)
	f.bar, f.verdict = "≤ "+short(bar)+" ×", judged(us/peer <= bar)
	return f
}

// ratioAtLeast holds us/peer against a lower bar.
func ratioAtLeast(name, unit string, us, peer, bar float64) figure {
	f := beside(name, unit, us, peer)
	f.bar, f.verdict = "≥ "+short(bar)+" ×", judged(us/peer >= bar)
	return f
}

// amount is a number with its unit; units that are words stand apart.
func amount(v float64, unit string) string { return strings.TrimSpace(short(v) + " " + unit) }

// short is a number with about three digits that mean something.
func short(v float64) string {
	a := v
	if a < 0 {
		a = -a
	}
	switch {
	case a == float64(int64(a)) && a < 1000:
		return fmt.Sprintf("%.0f", v)
	case a >= 1000:
		s := fmt.Sprintf("%.0f", v)
		for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// reported is a section with what it found and when.
type reported struct {
	section
	findings
	load, loadAfter string
	at              time.Time
	commit          string
}

func (s reported) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", s.title)
	if len(s.figures) > 0 {
		b.WriteString("| figure | Neargate | peer | ratio | bar | |\n|---|---|---|---|---|---|\n")
	}
	for _, f := range s.figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.name, f.us, f.peer, f.ratio, f.bar, f.verdict)
	}
	for _, n := range s.notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	fmt.Fprintf(&b, "\n<sub>`go run ./bench -only %s`, %s, version %s, load average %s before, %s after</sub>\n",
		s.name, s.at.UTC().Format("2006-01-02 15:04 UTC"), s.commit, s.load, s.loadAfter)
	return b.String()
}

// report is a whole run.
type report struct {
	machine  machine
	quick    bool
	sections []reported
}

const preamble = `# Benchmarks

Every figure that Neargate is held to, beside its peer where it has one: the same work, the same client, in turn, in one run on
one machine. This file is written by

    make bench

which installs the peers (Debian's nginx-light, haproxy, caddy, wrk, nghttp2-client and containerd; moto_server comes from PyPI: ` + "`pip install 'moto[server]'`" + `) and
runs ` + "`go run ./bench -out docs/benchmarks.md`" + `. ` + "`-only NAME`" + ` measures one section again and leaves the others.

`

// write puts the report into a file. Unless it is whole, sections that were not measured keep what the file says.
func (r *report) write(path string, whole bool) error {
	texts := map[string]string{}
	if !whole {
		old, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		texts = split(string(old))
	}
	for _, s := range r.sections {
		texts[s.title] = s.String()
	}
	var b strings.Builder
	b.WriteString(preamble)
	b.WriteString(r.machine.String())
	if r.quick {
		b.WriteString("\nA quick run: few repetitions, for a look only.\n")
	}
	for _, s := range sections() {
		if text, ok := texts[s.title]; ok {
			b.WriteString("\n" + strings.TrimRight(text, "\n") + "\n")
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// split takes a report apart into its sections, by title.
func split(text string) map[string]string {
	out := map[string]string{}
	title := ""
	for line := range strings.Lines(text) {
		if t, ok := strings.CutPrefix(line, "## "); ok {
			title = strings.TrimSpace(t)
		}
		if title != "" {
			out[title] += line
		}
	}
	return out
}
