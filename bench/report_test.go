package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 3: "3", 0.0042: "0.004", 0.42: "0.42", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 999.6: "1000", 1234: "1,234", 1234567: "1,234,567", -1234: "-1,234",
	} {
		if got := short(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		f    figure
		want verdict
	}{
		{atMost("x", "ms", 300, 300), met},
		{atMost("x", "ms", 301, 300), missed},
		{atLeast("x", "/s", 12, 12), met},
		{atLeast("x", "/s", 11.9, 12), missed},
		{ratioAtMost("x", "ms", 130, 100, 1.3), met},
		{ratioAtMost("x", "ms", 131, 100, 1.3), missed},
		{ratioAtLeast("x", "/s", 2000, 100, 20), met},
		{ratioAtLeast("x", "/s", 1999, 100, 20), missed},
		{told("x", "s", 1), noBar},
		{beside("x", "s", 1, 2), noBar},
	} {
		if c.f.verdict != c.want {
			t.Errorf("%+v: verdict %q, want %q", c.f, c.f.verdict, c.want)
		}
	}
}

// A report of some sections keeps the others, in their order.
func TestWriteKeepsOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docs", "benchmarks.md")
	say := func(name, word string) reported {
		for _, s := range sections() {
			if s.name == name {
				return reported{section: s, findings: findings{notes: []string{word}}, at: time.Unix(0, 0)}
			}
		}
		panic(name)
	}
	whole := &report{sections: []reported{say("start", "alpha"), say("idle", "beta")}}
	if err := whole.write(path, true); err != nil {
		t.Fatal(err)
	}
	part := &report{sections: []reported{say("api", "gamma"), say("idle", "delta")}}
	if err := part.write(path, false); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, word := range []string{"alpha", "gamma", "delta"} {
		at := strings.Index(string(b), word)
		if at < last {
			t.Errorf("%s is missing or out of order:\n%s", word, b)
		}
		last = at
	}
	if strings.Contains(string(b), "beta") {
		t.Errorf("a section measured again keeps what it said:\n%s", b)
	}
}
