package house

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// planners decide purely: time comes in as an argument.
var planners = []string{"internal/deploy/plan*.go", "internal/network/ipam*.go"}

var clockCall = regexp.MustCompile(`\btime\.(Now|Since|Until|Sleep|After|Tick|NewTimer|NewTicker)\(`)

func TestPlannersTakeTheTime(t *testing.T) {
	base := root(t)
	seen := 0
	for _, pattern := range planners {
		paths, err := filepath.Glob(filepath.Join(base, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if matched, _ := filepath.Match("*_test.go", filepath.Base(path)); matched {
				continue
			}
			seen++
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if call := clockCall.Find(text); call != nil {
				t.Errorf("%s calls %s: a planner takes the time as an argument", path, call)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no planner found: the patterns are stale")
	}
}

// TestNoDrawerNames keeps packages named for what they hold.
func TestNoDrawerNames(t *testing.T) {
	drawers := map[string]bool{"util": true, "utils": true, "common": true, "types": true, "helper": true, "helpers": true, "manager": true, "misc": true}
	for _, f := range files(t, true) {
		if drawers[filepath.Base(f.pkg)] {
			t.Errorf("%s: a package is a concept, not a drawer", f.pkg)
		}
	}
}
