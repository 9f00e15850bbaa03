package edgeapi

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Longest values and regular expressions ("HostHeaderConditionConfig", "RewriteConfig" in the API reference).
const (
	MaxConditionRegex = 128
	MaxConditionValue = 128
	MaxRewrite        = 1024
)

// maxProgram bounds what one expression can cost: matching takes time in proportion to the input and to this. Literals of the greatest length
// and ordinary repetitions are far below; counted ones of hundreds, one after another, are not.
const maxProgram = 2048

// CompileRegex compiles an expression of a condition or transform. The syntax is RE2, which has none of what "Transforms for
// listener rules" excludes (lookaround, backreferences, atomic groups, possessive quantifiers, recursion) and matches in
// linear time; the Unicode classes it has and AWS has not are refused. Hosts are compared in any case.
func CompileRegex(expression string, host bool) (*regexp.Regexp, error) {
	if i := strings.IndexByte(expression, '\\'); i >= 0 && hasUnicodeClass(expression[i:]) {
		return nil, fmt.Errorf("regular expression %q: Unicode character classes are not supported", expression)
	}
	if host {
		return compile("(?i:"+expression+")", expression)
	}
	return compile(expression, expression)
}

func compile(expression, shown string) (*regexp.Regexp, error) {
	// On its own first, so that a stray parenthesis cannot close the group around it.
	if _, err := regexp.Compile(shown); err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", shown, err)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", shown, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", shown, err)
	}
	if len(program.Inst) > maxProgram {
		return nil, fmt.Errorf("regular expression %q is too complex: its counted repetitions make %d steps of it", shown, len(program.Inst))
	}
	return regexp.Compile(expression)
}

// hasUnicodeClass reports whether s has \p or \P that is not itself escaped.
func hasUnicodeClass(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '\\' {
			if s[i+1] == 'p' || s[i+1] == 'P' {
				return true
			}
			i++
		}
	}
	return false
}

// validateTransforms allows what AWS does: at most one transform of each type, none on a default rule.
func validateTransforms(r *Rule) error {
	if len(r.Transforms) > 0 && r.Priority == 0 {
		return fmt.Errorf("the default rule has transforms")
	}
	seen := map[string]bool{}
	for _, t := range r.Transforms {
		if seen[t.Type] {
			return fmt.Errorf("repeated transform %s", t.Type)
		}
		seen[t.Type] = true
		if err := t.validate(); err != nil {
			return fmt.Errorf("transform %s: %w", t.Type, err)
		}
	}
	return nil
}

func (t *Transform) validate() error {
	if t.Type != RewriteHost && t.Type != RewriteURL {
		return fmt.Errorf("unknown transform")
	}
	if t.Regex == "" || len(t.Regex) > MaxRewrite || len(t.Replace) > MaxRewrite {
		return fmt.Errorf("regular expression and replacement have 1 to %d characters", MaxRewrite)
	}
	if strings.ContainsFunc(t.Replace, notVisible) {
		return fmt.Errorf("bad replacement %q", t.Replace)
	}
	_, err := CompileRegex(t.Regex, t.Type == RewriteHost)
	return err
}
