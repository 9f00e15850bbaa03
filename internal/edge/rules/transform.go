package rules

import (
	"bytes"
	"regexp"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// Transforms are the compiled transforms of a rule.
type Transforms []transform

type transform struct {
	host    bool
	regex   *regexp.Regexp
	replace []part
}

// part is literal text of a replacement, or what a group of the expression has matched.
type part struct {
	text  string
	group int // 0: text
}

// CompileTransforms compiles transforms, which must be valid.
func CompileTransforms(in []edgeapi.Transform) Transforms {
	var out Transforms
	for _, t := range in {
		host := t.Type == edgeapi.RewriteHost
		re, _ := edgeapi.CompileRegex(t.Regex, host) // validated with the snapshot
		out = append(out, transform{host, re, parts(t.Replace)})
	}
	return out
}

// parts cuts a replacement at $1 to $9. Any other dollar sign stands for itself.
func parts(s string) (out []part) {
	from := 0
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '$' && '1' <= s[i+1] && s[i+1] <= '9' {
			out = append(out, part{text: s[from:i]}, part{group: int(s[i+1] - '0')})
			i++
			from = i + 1
		}
	}
	return append(out, part{text: s[from:]})
}

// Outcomes of transforms, as the access log has them ("Transform status codes").
const (
	Transformed = "TransformSuccess"
	InvalidHost = "TransformInvalidHost"
	InvalidPath = "TransformInvalidPath"
)

// Apply rewrites a request that is about to be forwarded. It returns the outcome, empty if no expression matched. Outcomes
// other than Transformed mean that one matched and what came out is no host or no URL: "If there is a pattern match but the
// transform fails, we return an HTTP 500 error."
func (ts Transforms) Apply(r *http1.Request) (outcome string) {
	for i := range ts {
		t := &ts[i]
		if t.host {
			name := hostname(r.Host)
			out, matched := t.rewrite(name, r.Host[len(name):])
			switch {
			case !matched:
			case !r.SetHost(out):
				return InvalidHost
			default:
				outcome = Transformed
			}
			continue
		}
		out, matched := t.rewrite(r.Target, nil)
		switch {
		case !matched:
		case !r.SetTarget(out):
			return InvalidPath
		default:
			outcome = Transformed
		}
	}
	return outcome
}

// rewrite replaces the first match in b and appends rest.
func (t *transform) rewrite(b, rest []byte) ([]byte, bool) {
	m := t.regex.FindSubmatchIndex(b)
	if m == nil {
		return nil, false
	}
	out := bytes.Clone(b[:m[0]])
	for _, p := range t.replace {
		if p.group == 0 {
			out = append(out, p.text...)
		} else if g := 2 * p.group; g < len(m) && m[g] >= 0 {
			out = append(out, b[m[g]:m[g+1]]...)
		}
	}
	out = append(out, b[m[1]:]...)
	return append(out, rest...), true
}
