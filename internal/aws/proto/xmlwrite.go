package proto

import (
	"reflect"
	"unicode/utf8"
)

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// xmlWriter appends XML.
type xmlWriter struct {
	b        []byte
	itemName string // element of list items that have no name of their own
}

func (w *xmlWriter) open(name, namespace string) {
	w.b = append(append(w.b, '<'), name...)
	if namespace != "" {
		w.attribute("xmlns", namespace)
	}
	w.b = append(w.b, '>')
}

func (w *xmlWriter) attribute(name, value string) {
	w.b = append(append(append(w.b, ' '), name...), '=', '"')
	w.b = appendXMLText(w.b, value)
	w.b = append(w.b, '"')
}

func (w *xmlWriter) close(name string) {
	w.b = append(append(append(w.b, '<', '/'), name...), '>')
}

func (w *xmlWriter) text(name, value string) {
	w.open(name, "")
	w.b = appendXMLText(w.b, value)
	w.close(name)
}

// members writes the members that belong into the element at hand.
func (w *xmlWriter) members(p *structure, v reflect.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if f.attribute || f.location != inBody || fv.IsNil() {
			continue
		}
		w.value(&f.shape, fv, f.wire)
	}
}

// bare writes the text of the one member there is.
func (w *xmlWriter) bare(p *structure, v reflect.Value) {
	for i := range p.fields {
		if f := &p.fields[i]; f.location == inBody && !v.Field(f.index).IsNil() {
			w.b = appendXMLText(w.b, plainText(&f.shape, v.Field(f.index), timeISO8601))
		}
	}
}

// result writes the members of an operation's output. Its lists are there even if nobody made them: that is what services with the query
// protocol answer, and what callers index without asking.
func (w *xmlWriter) result(p *structure, v reflect.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		if fv := v.Field(f.index); !fv.IsNil() {
			w.value(&f.shape, fv, f.wire)
		} else if f.shape.kind == kindList && !f.shape.flat {
			w.start(&f.shape, f.wire)
			w.close(f.wire)
		}
	}
}

// value writes v as an element, or as several where a list or map is flat.
func (w *xmlWriter) value(s *shape, v reflect.Value, name string) {
	if s.pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindStructure:
		w.structure(s, v, name)
	case kindList:
		w.list(s, v, name)
	case kindMap:
		w.entries(s, v, name)
	case kindDocument, kindBody, kindEvents:
	case kindString:
		w.start(s, name)
		w.b = append(appendXMLText(w.b, v.String()), '<', '/')
		w.b = append(append(w.b, name...), '>')
	default:
		scalar := *s
		scalar.pointer = false
		w.start(s, name)
		w.b = appendText(w.b, &scalar, v, timeISO8601)
		w.close(name)
	}
}

func (w *xmlWriter) start(s *shape, name string) {
	w.b = append(append(w.b, '<'), name...)
	w.namespace(s)
	w.b = append(w.b, '>')
}

func (w *xmlWriter) namespace(s *shape) {
	if s.namespace == "" {
		return
	}
	attribute := "xmlns"
	if s.nsPrefix != "" {
		attribute += ":" + s.nsPrefix
	}
	w.attribute(attribute, s.namespace)
}

func (w *xmlWriter) structure(s *shape, v reflect.Value, name string) {
	w.b = append(append(w.b, '<'), name...)
	w.namespace(s)
	for i := range s.structure.fields {
		f := &s.structure.fields[i]
		if fv := v.Field(f.index); f.attribute && !fv.IsNil() {
			w.attribute(f.wire, plainText(&f.shape, fv, timeISO8601))
		}
	}
	w.b = append(w.b, '>')
	w.members(s.structure, v)
	w.close(name)
}

func (w *xmlWriter) list(s *shape, v reflect.Value, name string) {
	item := s.itemName
	if item == "" {
		item = w.itemName
	}
	if s.flat {
		if s.itemName == "" {
			item = name
		}
	} else {
		w.start(s, name)
		defer w.close(name)
	}
	for i := range v.Len() {
		w.value(s.elem, v.Index(i), item)
	}
}

func (w *xmlWriter) entries(s *shape, v reflect.Value, name string) {
	entry := "entry"
	if s.flat {
		entry = name
	} else {
		w.start(s, name)
		defer w.close(name)
	}
	keyName, valueName := s.entryNames()
	for _, key := range sortedKeys(v) {
		w.open(entry, "")
		w.value(s.key, key, keyName)
		w.value(s.elem, addressable(v.MapIndex(key)), valueName)
		w.close(entry)
	}
}

// appendXMLText escapes s for text and attributes. Characters that XML 1.0 cannot carry become U+FFFD.
func appendXMLText(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if (r == utf8.RuneError && n == 1) || r == 0xFFFE || r == 0xFFFF {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + n
			}
			i += n
			continue
		}
		escape := xmlEscape(c)
		if escape == "" {
			i++
			continue
		}
		b = append(append(b, s[start:i]...), escape...)
		i++
		start = i
	}
	return append(b, s[start:]...)
}

func xmlEscape(c byte) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '>':
		return "&gt;"
	case c == '"':
		return "&quot;"
	case c == '\r':
		return "&#xD;"
	case c == '\n', c == '\t', c >= ' ':
		return ""
	}
	return "\uFFFD"
}
