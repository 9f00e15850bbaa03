package proto

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParameters bounds the parameters of one request.
const maxParameters = 20_000

var errForm = errors.New("malformed query string")

// LimitError is what a form that is well-formed has too much of.
type LimitError struct{ what string }

func (e *LimitError) Error() string { return e.what }

// Form is the parameters of a query request, as the tree that their dotted names describe.
type Form struct {
	Action, Version string
	root            node
}

// node is one segment of parameter names.
type node struct {
	set   bool
	value string
	full  string // the parameter's whole name
	used  bool
	next  map[string]*node
}

// ParseForm reads parameters from the query string and the body of a request; the body wins.
func ParseForm(query, body string) (*Form, error) {
	f := &Form{}
	count := 0
	for _, text := range [...]string{query, body} {
		for len(text) > 0 {
			var pair string
			pair, text, _ = strings.Cut(text, "&")
			if pair == "" {
				continue
			}
			if count++; count > maxParameters {
				return nil, &LimitError{fmt.Sprintf("more than %d parameters", maxParameters)}
			}
			if err := f.add(pair); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func (f *Form) add(pair string) error {
	key, value, _ := strings.Cut(pair, "=")
	name, err := unescape(key)
	if err != nil {
		return err
	}
	if value, err = unescape(value); err != nil {
		return err
	}
	switch name {
	case "Action":
		f.Action = value
	case "Version":
		f.Version = value
	}
	at := &f.root
	depth := 0
	for segment := range strings.SplitSeq(name, ".") {
		if depth++; depth > maxDepth*2 { // a list takes two segments
			return &LimitError{fmt.Sprintf("a parameter of more than %d parts", maxDepth*2)}
		}
		at = at.child(segment)
	}
	at.set, at.value, at.full = true, value, name
	return nil
}

func unescape(s string) (string, error) {
	if strings.ContainsAny(s, "%+") {
		u, err := url.QueryUnescape(s)
		if err != nil {
			return "", errForm
		}
		s = u
	}
	if !utf8.ValidString(s) {
		return "", errForm
	}
	return s, nil
}

func (n *node) child(segment string) *node {
	c := n.next[segment]
	if c == nil {
		if n.next == nil {
			n.next = make(map[string]*node, 4)
		}
		c = &node{}
		n.next[segment] = c
	}
	return c
}

// numbered is the children whose segments are numbers, in their order.
func (n *node) numbered() []*node {
	type item struct {
		index int
		node  *node
	}
	items := make([]item, 0, len(n.next))
	for segment, c := range n.next {
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 {
			items = append(items, item{i, c})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return a.index - b.index })
	out := make([]*node, len(items))
	for i, x := range items {
		out[i] = x.node
	}
	return out
}

// unused is a parameter that nothing has read, empty if there is none.
func (n *node) unused() string {
	if n.set && !n.used {
		return n.full
	}
	for _, c := range n.next {
		if name := c.unused(); name != "" {
			return name
		}
	}
	return ""
}

// IsTrue reports whether the parameter has been given as true.
func (f *Form) IsTrue(name string) bool {
	n := f.root.next[name]
	return n != nil && strings.EqualFold(n.value, "true")
}
