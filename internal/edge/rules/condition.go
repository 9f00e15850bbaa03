package rules

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// condition is one compiled condition. Which of its fields are set depends on the kind.
type condition struct {
	field    field
	header   string // lower case
	patterns []pattern
	keys     []pattern // of query-string, parallel to patterns; an empty key matches any
	prefixes []netip.Prefix
	regexes  []*regexp.Regexp // instead of patterns
}

// field is what a condition looks at.
type field uint8

const (
	path field = iota
	host
	header
	method
	query
	sourceIP
)

var fields = map[string]field{
	edgeapi.FieldPath: path, edgeapi.FieldHost: host, edgeapi.FieldHeader: header, edgeapi.FieldMethod: method,
	edgeapi.FieldQuery: query, edgeapi.FieldSourceIP: sourceIP,
}

func compile(c edgeapi.Condition) condition {
	out := condition{field: fields[c.Field], header: strings.ToLower(c.Header)}
	for _, expression := range c.Regex {
		re, _ := edgeapi.CompileRegex(expression, c.Field == edgeapi.FieldHost) // validated with the snapshot
		out.regexes = append(out.regexes, re)
	}
	switch c.Field {
	case edgeapi.FieldSourceIP:
		for _, v := range c.Values {
			out.prefixes = append(out.prefixes, netip.MustParsePrefix(v).Masked()) // validated with the snapshot
		}
	case edgeapi.FieldQuery:
		for _, q := range c.Query {
			out.keys = append(out.keys, newPattern(q.Key, true, true))
			out.patterns = append(out.patterns, newPattern(q.Value, true, true))
		}
	default:
		fold := c.Field == edgeapi.FieldHost || c.Field == edgeapi.FieldHeader
		for _, v := range c.Values {
			p := newPattern(v, fold, c.Field == edgeapi.FieldHeader)
			if c.Field == edgeapi.FieldMethod {
				p = pattern{prefix: v} // "*" is a valid character of a method
			}
			out.patterns = append(out.patterns, p)
		}
	}
	return out
}

// match tells whether a request from source, the address of the connection and not of X-Forwarded-For, fulfils the condition.
func (c *condition) match(r *http1.Request, source netip.Addr) bool {
	switch c.field {
	case host:
		return c.any(hostname(r.Host))
	case path:
		return c.any(r.Path)
	case method:
		return c.any(r.Method)
	case header:
		for _, f := range r.Fields {
			if http1.EqualFold(r.Name(f), c.header) && c.any(r.Value(f)) {
				return true
			}
		}
		return false
	case query:
		return c.query(r.Query)
	default: // source-ip
		for _, p := range c.prefixes {
			if p.Contains(source) {
				return true
			}
		}
		return false
	}
}

func (c *condition) any(b []byte) bool {
	for i := range c.patterns {
		if c.patterns[i].match(b) {
			return true
		}
	}
	for _, re := range c.regexes {
		if re.Match(b) {
			return true
		}
	}
	return false
}

// query holds when one parameter matches. Parameters are compared as they stand on the wire, percent-encoding and all.
func (c *condition) query(q []byte) bool {
	for len(q) > 0 {
		var parameter []byte
		parameter, q, _ = bytes.Cut(q, ampersand)
		key, value, _ := bytes.Cut(parameter, equals)
		for i := range c.patterns {
			if (c.keys[i].empty() || c.keys[i].match(key)) && c.patterns[i].match(value) {
				return true
			}
		}
	}
	return false
}

var ampersand, equals = []byte{'&'}, []byte{'='}

// hostname is a Host value without its port.
func hostname(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}
