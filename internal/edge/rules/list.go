package rules

import (
	"math/bits"
	"net/netip"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// List is a listener's compiled rules. The zero List has no rules.
type List struct {
	rules [][]condition
	index *index // nil for short lists
}

// Compile makes a List of rules that are in order of evaluation and end with the default rule.
func Compile(rules []edgeapi.Rule) List {
	l := List{rules: make([][]condition, len(rules))}
	for i, r := range rules {
		for _, c := range r.Conditions {
			l.rules[i] = append(l.rules[i], compile(c))
		}
	}
	l.index = newIndex(l.rules)
	return l
}

// Match returns the index of the first rule whose conditions all hold. The default rule, the last, has none.
func (l *List) Match(r *http1.Request, source netip.Addr) int {
	if l.index == nil {
		for i := range l.rules {
			if l.holds(i, r, source) {
				return i
			}
		}
		return len(l.rules) - 1
	}
	byHost, byPath := l.index.candidates(hostname(r.Host), r.Path)
	for w := range byHost {
		for rest := byHost[w] & byPath[w]; rest != 0; rest &= rest - 1 {
			if i := w*64 + bits.TrailingZeros64(rest); l.holds(i, r, source) {
				return i
			}
		}
	}
	return len(l.rules) - 1
}

func (l *List) holds(i int, r *http1.Request, source netip.Addr) bool {
	conditions := l.rules[i]
	for j := range conditions {
		if !conditions[j].match(r, source) {
			return false
		}
	}
	return true
}
