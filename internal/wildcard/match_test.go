package wildcard

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		how        func(pattern, s string) bool
		pattern, s string
		want       bool
	}{
		{Stars, "web", "web", true},
		{Stars, "web", "Web", false},
		{Stars, "web*", "web-1", true},
		{Stars, "*-1", "web-1", true},
		{Stars, "*", "", true},
		{Stars, "a*a", "a", false},
		{Stars, "a*b*c", "a-b-b-c", true},
		{Stars, "a*b*c", "a-b-b", false},
		{Stars, "w?b", "web", false},
		{Stars, "w?b", "w?b", true},
		{Match, "w?b", "web", true},
		{Match, "w?b", "weeb", false},
		{Match, "w?b", "wéb", true},
		{Match, "*???", "€", false},
		{Match, `a\*b`, `a\xb`, true},
		{Escaped, `a\*b`, "a*b", true},
		{Escaped, `a\*b`, "axb", false},
		{Escaped, `*\?`, "what?", true},
		{Escaped, `*\?`, "whatx", false},
	} {
		if got := c.how(c.pattern, c.s); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.s, got)
		}
	}
}

func TestManyStars(t *testing.T) {
	if Match(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 20_000)) {
		t.Error("matched")
	}
}

// FuzzMatch compares with regular expressions.
func FuzzMatch(f *testing.F) {
	f.Add(`a*?b\*`, "axxb*")
	f.Add(`**\\`, `\`)
	f.Add("*??", "é€")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 20 || len(s) > 40 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			t.Skip()
		}
		for _, c := range []struct {
			name         string
			how          func(pattern, s string) bool
			one, escapes bool
		}{{"Stars", Stars, false, false}, {"Match", Match, true, false}, {"Escaped", Escaped, true, true}} {
			if got, want := c.how(pattern, s), expression(pattern, c.one, c.escapes).MatchString(s); got != want {
				t.Errorf("%s(%q, %q) = %v", c.name, pattern, s, got)
			}
		}
	})
}

func expression(pattern string, one, escapes bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s)^")
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?' && one:
			b.WriteString(".")
		case c == '\\' && escapes && i+1 < len(pattern):
			i++
			_, n := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+n]))
			i += n - 1
		default:
			_, n := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+n]))
			i += n - 1
		}
	}
	return regexp.MustCompile(b.String() + "$")
}
