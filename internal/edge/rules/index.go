package rules

import (
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// set is a set of rules, by their indexes.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s set) addAll(other set) {
	for i, word := range other {
		s[i] |= word
	}
}

// index narrows a long list of rules down to those that a request's host and path leave in question, so that a hundred
// rules cost what a few do. It never leaves out a rule that matches; which one does is still for the conditions to say.
type index struct {
	hosts   map[string]set // by host name in lower case: those rules and anyHost
	anyHost set            // rules whose host conditions name no certain hosts
	paths   *branch
}

// branch is a node of a trie of the literal beginnings of path patterns.
type branch struct {
	label string    // octets between its parent and it
	next  []*branch // at most one by each octet, in their order
	rules set       // those in question for every path that has come this far, including the parents'
}

// indexFrom is from how many rules an index pays.
const indexFrom = 8

// newIndex makes the index of compiled rules.
func newIndex(rules [][]condition) *index {
	if len(rules) < indexFrom {
		return nil
	}
	n := len(rules)
	x := &index{hosts: map[string]set{}, anyHost: newSet(n), paths: &branch{rules: newSet(n)}}
	for i, conditions := range rules {
		x.addHosts(i, conditions, n)
		x.addPaths(i, conditions, n)
	}
	for _, s := range x.hosts {
		s.addAll(x.anyHost)
	}
	x.paths.inherit(nil)
	return x
}

func (x *index) addHosts(i int, conditions []condition, n int) {
	for _, c := range conditions {
		if c.field != host || len(c.regexes) > 0 || slices.ContainsFunc(c.patterns, func(p pattern) bool { return len(p.ops) > 0 }) {
			continue
		}
		for _, p := range c.patterns {
			if x.hosts[p.prefix] == nil {
				x.hosts[p.prefix] = newSet(n)
			}
			x.hosts[p.prefix].add(i)
		}
		return
	}
	x.anyHost.add(i)
}

func (x *index) addPaths(i int, conditions []condition, n int) {
	for _, c := range conditions {
		if c.field != path || len(c.regexes) > 0 {
			continue
		}
		for _, p := range c.patterns {
			x.paths.insert(p.prefix, n).rules.add(i)
		}
		return
	}
	x.paths.rules.add(i)
}

// insert returns the branch for exactly s, made if need be.
func (b *branch) insert(s string, n int) *branch {
	if s == "" {
		return b
	}
	at, found := b.find(s[0])
	if !found {
		end := &branch{label: s, rules: newSet(n)}
		b.next = slices.Insert(b.next, at, end)
		return end
	}
	child := b.next[at]
	common := 0
	for common < len(s) && common < len(child.label) && s[common] == child.label[common] {
		common++
	}
	if common < len(child.label) {
		fork := &branch{label: child.label[:common], next: []*branch{child}, rules: newSet(n)}
		child.label = child.label[common:]
		b.next[at] = fork
		child = fork
	}
	return child.insert(s[common:], n)
}

func (b *branch) find(octet byte) (int, bool) {
	return slices.BinarySearchFunc(b.next, octet, func(c *branch, o byte) int { return int(c.label[0]) - int(o) })
}

// inherit adds the rules of the parents.
func (b *branch) inherit(parents set) {
	b.rules.addAll(parents)
	for _, c := range b.next {
		c.inherit(b.rules)
	}
}

// candidates returns two sets; the rules in question are those in both.
func (x *index) candidates(host, path []byte) (byHost, byPath set) {
	byHost = x.anyHost
	if len(x.hosts) > 0 {
		// Longer names than a condition can have do not match any.
		if folded := [edgeapi.MaxConditionValue]byte{}; len(host) <= len(folded) {
			for i, c := range host {
				folded[i] = lower(c)
			}
			if s, ok := x.hosts[string(folded[:len(host)])]; ok {
				byHost = s
			}
		}
	}
	b := x.paths
	for {
		if len(path) == 0 {
			return byHost, b.rules
		}
		at, found := b.find(path[0])
		if !found {
			return byHost, b.rules
		}
		c := b.next[at]
		if len(path) < len(c.label) || string(path[:len(c.label)]) != c.label {
			return byHost, b.rules
		}
		b, path = c, path[len(c.label):]
	}
}
