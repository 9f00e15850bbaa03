package rules

import (
	"regexp"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		fold, escapes bool
		want          bool
	}{
		{"/img/*", "/img/a.png", false, false, true},
		{"/img/*", "/img/", false, false, true},
		{"/img/*", "/img", false, false, false},
		{"/img/*", "/IMG/a", false, false, false},
		{"/img/*/pics", "/img/a/b/pics", false, false, true},
		{"/img/*/pics", "/img/a/pic", false, false, false},
		{"/?", "/a", false, false, true},
		{"/?", "/", false, false, false},
		{"*.example.com", "A.Example.Com", true, false, true},
		{"*.example.com", "example.com", true, false, false},
		{"*", "", false, false, true},
		{"**a**", "a", false, false, true},
		{"a*b*c", "abbbcbc", false, false, true},
		{"a*b*c", "abbbcb", false, false, false},
		{`\*`, "*", true, true, true},
		{`\*`, "x", true, true, false},
		{`a\?b*`, "a?bcd", true, true, true},
		{`\\*`, `\x`, true, true, true},
		{`\*`, `\x`, false, false, true},
		{`\x`, `\x`, true, true, true},
		{"", "", false, false, true},
		{"", "a", false, false, false},
	} {
		p := newPattern(c.pattern, c.fold, c.escapes)
		if got := p.match([]byte(c.text)); got != c.want {
			t.Errorf("%q match %q = %v", c.pattern, c.text, got)
		}
	}
}

// FuzzPattern compares with a regular expression made of the pattern.
func FuzzPattern(f *testing.F) {
	f.Add("/a*b?c", "/axxbyc", true)
	f.Add("**?*", "a", false)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 64 || len(text) > 256 || strings.ContainsFunc(pattern+text, func(r rune) bool { return r > 0x7e }) {
			return
		}
		expr := regexp.QuoteMeta(pattern)
		expr = strings.ReplaceAll(strings.ReplaceAll(expr, `\*`, ".*"), `\?`, ".")
		flags := "s"
		if fold {
			flags = "si"
		}
		want := regexp.MustCompile("(?" + flags + ")^(?:" + expr + ")$").MatchString(text)
		if p := newPattern(pattern, fold, false); p.match([]byte(text)) != want {
			t.Fatalf("%q match %q: not %v", pattern, text, want)
		}
	})
}
