package edgeapi

import (
	"strings"
	"testing"
)

func TestCompileRegex(t *testing.T) {
	for _, c := range []struct {
		expression string
		ok         bool
	}{
		{`^/api/(v[0-9]{1,3})/.*$`, true},
		{`(?i)abc|\d+\.\w*`, true},
		{`\\pL`, true},                       // a backslash and two letters
		{`(?=ahead)`, false},                 // lookahead
		{`(?<=behind)`, false},               // lookbehind
		{`(a)\1`, false},                     // backreference
		{`(?>atomic)`, false},                // atomic group
		{`a++`, false},                       // possessive
		{`(?R)`, false},                      // recursion
		{`\p{L}`, false},                     // Unicode class
		{`a)(b`, false},                      // does not close the group around it
		{`a)|(?:b`, false},                   //
		{`((((a{99}){99}){99}){99})`, false}, // would be huge
		{`^/[a-z0-9-]{1,255}/[a-z]{1,63}$`, true},
		{strings.Repeat("a", MaxRewrite), true},
		{strings.Repeat(".{900}", 15), false}, // seconds for every long path
	} {
		for _, host := range []bool{false, true} {
			if _, err := CompileRegex(c.expression, host); (err == nil) != c.ok {
				t.Errorf("%s: %v", c.expression, err)
			}
		}
	}
}
