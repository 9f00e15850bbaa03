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

// TestDomainNames has names of certificates at the edges of their pattern.
func TestDomainNames(t *testing.T) {
	p := newPattern(`(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])`) // ACM's DomainNameString
	label := strings.Repeat("a", 63)
	for _, name := range []string{
		"example.com", "*.example.com", "a.de", "1.2.de", "a-b.de", "a--b.de", "xn--mnchen-3ya.de", "a.b.c.d.com", "a.b-c", label + "." + label,
		"A" + strings.Repeat("-", 61) + "b.de",
	} {
		if !p.matches(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{
		"", " ", "*", "*.*.example.com", "a.*.com", "*a.com", "a b.de", "a..b", "-a..b", "localhost", "x_y.de", "shop.example.com.", "a\x00.de", "münchen.de",
		"-a.de", "-.de", "a-.de", "a.-de", "a.de-", "a.d", ".de", "a.de\n", label + "a.de", "a." + label + "a", "*.de",
	} {
		if p.matches(name) {
			t.Errorf("%q passes", name)
		}
	}
}

// TestPatternsOfTheModels finds the constraints that would silently hold for everything.
func TestPatternsOfTheModels(t *testing.T) {
	files, err := filepath.Glob("../../../models/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no models: ", err)
	}
	unchecked := map[string]bool{"iam.json accountAliasType": true} // a hyphen that is followed by none
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
			what := filepath.Base(file) + " " + name
			if _, err := compilePattern(s.Pattern); (err != nil) != unchecked[what] {
				t.Errorf("%s: %v, not checked is expected: %v", what, err, unchecked[what])
			}
		}
	}
}
