package proto

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		source, value string
		want          bool
	}{
		{`[\w+=,.@-]+`, "a-b@c", true},
		{`[\w+=,.@-]+`, "a b", false},
		{`^$|arn:.*`, "", true},
		{`[\u0009\u000A\u000D\u0020-\u00FF]+`, "ä\n", true},
		{`[\u0009\u000A\u000D\u0020-\u00FF]+`, "✓", false},
		{`[\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`, "a😀", true},
		{`[\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`, "a\x01", false},
		{`[a-z]{1,2048}`, "abc", true},
		{`[a-z]{1,2048}`, "", false},
		{`[\p{L}\p{Z}]*`, "ä b", true},
		{`\S{36,128}`, strings.Repeat("x", 35), false},
		{`([a-z](?!b))+`, "ab", true}, // look-ahead: not expressible, refuses nothing
	} {
		if got := newPattern(tt.source).matches(tt.value); got != tt.want {
			t.Errorf("%s matches %q: %v", tt.source, tt.value, got)
		}
	}
}

// TestPatternsOfTheModels finds the constraints that would silently hold for everything.
func TestPatternsOfTheModels(t *testing.T) {
	files, err := filepath.Glob("../../../models/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no models: ", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var model struct {
			Shapes map[string]struct {
				Pattern string `json:"pattern"`
			} `json:"shapes"`
		}
		if err := json.Unmarshal(b, &model); err != nil {
			t.Fatal(err)
		}
		for name, s := range model.Shapes {
			if _, err := compilePattern(s.Pattern); err != nil && !strings.Contains(s.Pattern, "(?=") && !strings.Contains(s.Pattern, "(?!") {
				t.Errorf("%s %s: %v", filepath.Base(file), name, err)
			}
		}
	}
}
