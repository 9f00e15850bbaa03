package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// tag writes the struct tag of a member: everything any protocol and the validation have to know. Its grammar is documented
// where it is read, in internal/aws/proto. Rows of the state hold generated types as JSON: there, absent members are left out.
func (g *generator) tag(parent *shape, m member) string {
	words := []string{m.Name}
	if slices.Contains(parent.Required, m.Name) {
		words = append(words, "required")
	}
	words = append(words, g.location(parent, m)...)
	if m.QueryName != "" {
		words = append(words, "query="+m.QueryName)
	}
	if m.XMLAttribute {
		words = append(words, "attr")
	}
	if m.IdempotencyToken {
		words = append(words, "token")
	}
	if m.JSONValue {
		words = append(words, "json")
	}
	words = append(words, g.traits("", &m.ref)...)
	return "`api:" + strings.ReplaceAll(strconv.Quote(strings.Join(words, " ")), "`", `\x60`) + ` json:",omitzero"` + "`"
}

func (g *generator) location(parent *shape, m member) []string {
	var words []string
	s := g.model.Shapes[m.Shape]
	place := m.Location
	if place == "" {
		place = s.Location
	}
	switch {
	case place == "querystring":
		words = append(words, "in=query")
	case place == "statusCode":
		words = append(words, "in=status")
	case place != "":
		words = append(words, "in="+place)
	case m.EventPayload:
		words = append(words, "in=eventpayload")
	case m.EventHeader:
		words = append(words, "in=eventheader")
	case parent.Payload == m.Name:
		words = append(words, "in=payload")
	}
	name := m.LocationName
	if name == "" {
		name = s.LocationName
	}
	if name != "" && name != m.Name {
		words = append(words, "wire="+name)
	}
	return words
}

// traits are those that hold for the value itself, wherever it stands; prefix says where inside the member ("item.", "value.").
func (g *generator) traits(prefix string, r *ref) []string {
	s := g.model.Shapes[r.Shape]
	var words []string
	add := func(format string, args ...any) { words = append(words, prefix+fmt.Sprintf(format, args...)) }
	if r.Flattened || s.Flattened {
		add("flat")
	}
	if f := r.TimestampFormat; f != "" {
		add("time=%s", f)
	} else if s.TimestampFormat != "" {
		add("time=%s", s.TimestampFormat)
	}
	ns := r.XMLNamespace
	if ns == nil {
		ns = s.XMLNamespace
	}
	if ns != nil {
		add("ns=%s", ns.URI)
		if ns.Prefix != "" {
			add("nsprefix=%s", ns.Prefix)
		}
	}
	if s.Min != nil && s.Type != "boolean" {
		add("min=%s", *s.Min)
	}
	if s.Max != nil && s.Type != "boolean" {
		add("max=%s", *s.Max)
	}
	if s.Pattern != "" {
		add("pattern=%s", strings.ReplaceAll(s.Pattern, " ", "␣"))
	}
	if len(s.Enum) > 0 {
		add("enum=%s", r.Shape)
		g.taggedEnums[r.Shape] = true
	}
	if s.Sensitive {
		add("sensitive")
	}
	if s.Union {
		add("union")
	}
	if s.Streaming || r.Streaming {
		add("stream")
	}
	for _, part := range []struct {
		word string
		ref  *ref
	}{{"item", s.Member}, {"key", s.Key}, {"value", s.Value}} {
		if part.ref == nil {
			continue
		}
		if name := part.ref.LocationName; name != "" {
			add("%s=%s", part.word, name)
		} else if name = g.model.Shapes[part.ref.Shape].LocationName; name != "" {
			add("%s=%s", part.word, name)
		}
		words = append(words, g.traits(prefix+part.word+".", part.ref)...)
	}
	return words
}
