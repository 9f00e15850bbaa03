package proto

import (
	"net/url"
	"strings"
)

// Template is a REST operation's URI, such as /v1/clusters/{clusterArn}/nodes?list-type=2 or /{Bucket}/{Key+}.
type Template struct {
	segments []segment
	query    url.Values // what must be in the query string
}

type segment struct {
	literal string
	label   string // empty: literal
	greedy  bool
}

// ParseTemplate reads a model's requestUri.
func ParseTemplate(uri string) Template {
	path, query, _ := strings.Cut(uri, "?")
	var t Template
	if query != "" {
		t.query, _ = url.ParseQuery(query)
	}
	for s := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch {
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "+}"):
			t.segments = append(t.segments, segment{label: s[1 : len(s)-2], greedy: true})
		case strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}"):
			t.segments = append(t.segments, segment{label: s[1 : len(s)-1]})
		default:
			t.segments = append(t.segments, segment{literal: s})
		}
	}
	return t
}

// Match reads the labels of an escaped path; ok is false where path or query are another operation's.
func (t Template) Match(path string, query url.Values) (labels map[string]string, ok bool) {
	for key, want := range t.query {
		if !query.Has(key) || want[0] != "" && query.Get(key) != want[0] {
			return nil, false
		}
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	labels = make(map[string]string, len(t.segments))
	for i, s := range t.segments {
		if i >= len(parts) {
			return nil, false
		}
		part := parts[i]
		if s.greedy {
			tail := len(t.segments) - i - 1 // segments that follow take theirs from the end
			if len(parts)-i-1 < tail {
				return nil, false
			}
			part = strings.Join(parts[i:len(parts)-tail], "/")
			parts = append(parts[:i+1:i+1], parts[len(parts)-tail:]...)
		}
		value, err := url.PathUnescape(part)
		if err != nil {
			return nil, false
		}
		switch {
		case s.label == "" && value != s.literal, s.label != "" && value == "":
			return nil, false
		case s.label != "":
			labels[s.label] = value
		}
	}
	return labels, len(parts) == len(t.segments)
}

// Specificity orders templates that match the same request: more literal segments, then more of the query, win.
func (t Template) Specificity() int {
	n := len(t.query)
	for _, s := range t.segments {
		switch {
		case s.label == "":
			n += 100
		case !s.greedy:
			n += 10
		}
	}
	return n
}
