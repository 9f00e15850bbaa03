package rules

import (
	"net/netip"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// List is a listener's compiled rules. The zero List has no rules.
type List struct {
	rules [][]condition
}

// Compile makes a List of rules that are in order of evaluation and end with the default rule.
func Compile(rules []edgeapi.Rule) List {
	l := List{rules: make([][]condition, len(rules))}
	for i, r := range rules {
		for _, c := range r.Conditions {
			l.rules[i] = append(l.rules[i], compile(c))
		}
	}
	return l
}

// Match returns the index of the first rule whose conditions all hold. The default rule, the last, has none.
func (l *List) Match(r *http1.Request, source netip.Addr) int {
next:
	for i, conditions := range l.rules {
		for j := range conditions {
			if !conditions[j].match(r, source) {
				continue next
			}
		}
		return i
	}
	return len(l.rules) - 1
}
