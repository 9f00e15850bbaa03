package proto

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
)

// maxElements bounds the elements of one document.
const maxElements = 200_000

var errXML = errors.New("xml is not well formed or does not fit the schema")

// element is an XML element. Namespaces are dropped: AWS ignores them in requests.
type element struct {
	name       string
	attributes []xml.Attr
	text       string
	children   []*element
}

// parseXML reads a document. It refuses document types and directives: no request has them, attacks do.
func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var stack []*element
	var root *element
	for count := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(stack) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, errXML
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(stack) >= maxDepth || len(stack) == 0 && root != nil {
				return nil, errXML
			}
			e := &element{name: t.Name.Local, attributes: t.Attr}
			if len(stack) == 0 {
				root = e
			} else {
				parent := stack[len(stack)-1]
				parent.children = append(parent.children, e)
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(t)
			}
		case xml.Directive:
			return nil, errXML
		}
	}
}

func (e *element) named(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

func (e *element) first(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// xmlReader reads elements into generated types.
type xmlReader struct{}

func (r xmlReader) structure(p *structure, e *element, v reflect.Value) error {
	for i := range p.fields {
		f := &p.fields[i]
		if f.location != inBody {
			continue
		}
		if err := r.member(f, e, v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (r xmlReader) member(f *field, e *element, v reflect.Value) error {
	switch {
	case f.attribute:
		for _, a := range e.attributes {
			if a.Name.Local == localName(f.wire) {
				return r.scalar(&f.shape, a.Value, v)
			}
		}
		return nil
	case f.shape.flat:
		found := e.named(f.wire)
		if len(found) == 0 {
			return nil
		}
		if f.shape.kind == kindMap {
			return r.entries(&f.shape, found, v)
		}
		return r.items(&f.shape, found, v)
	}
	if c := e.first(f.wire); c != nil {
		return r.value(&f.shape, c, v)
	}
	return nil
}

// localName is name without its namespace prefix: "xsi:type" is type.
func localName(name string) string {
	if _, local, ok := strings.Cut(name, ":"); ok {
		return local
	}
	return name
}

func (r xmlReader) value(s *shape, e *element, v reflect.Value) error {
	switch s.kind {
	case kindStructure:
		if s.pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		return r.structure(s.structure, e, v)
	case kindList:
		name := s.itemName
		if name == "" {
			name = "member"
		}
		return r.items(s, e.named(name), v)
	case kindMap:
		return r.entries(s, e.named("entry"), v)
	}
	return r.scalar(s, e.text, v)
}

func (r xmlReader) items(s *shape, found []*element, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), len(found), len(found)))
	for i, e := range found {
		if err := r.value(s.elem, e, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r xmlReader) entries(s *shape, found []*element, v reflect.Value) error {
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	keyName, valueName := s.entryNames()
	for _, e := range found {
		k, c := e.first(keyName), e.first(valueName)
		if k == nil || c == nil {
			return errXML
		}
		value := reflect.New(s.elem.typ).Elem()
		if err := r.value(s.elem, c, value); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(k.text).Convert(s.key.typ), value)
	}
	return nil
}

func (r xmlReader) scalar(s *shape, text string, v reflect.Value) error {
	if s.kind != kindString {
		text = strings.TrimSpace(text)
	}
	if err := setText(s, v, text, timeISO8601); err != nil {
		return errXML
	}
	return nil
}
