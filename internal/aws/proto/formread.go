package proto

import (
	"reflect"
)

// formReader reads a form into generated types. The query protocols differ in names only.
type formReader struct {
	ec2 bool
}

// parameterError is a parameter whose text is not of its type.
type parameterError struct {
	name, value string
	kind        kind
}

func (e *parameterError) Error() string {
	return "Value (" + e.value + ") for parameter " + e.name + " is invalid. Expected " + e.kind.String()
}

func (r formReader) name(f *field) string {
	if r.ec2 {
		return f.ec2
	}
	return f.wire
}

func (r formReader) structure(p *structure, n *node, v reflect.Value) error {
	for i := range p.fields {
		f := &p.fields[i]
		if err := r.member(f, n, v.Field(f.index)); err != nil {
			return err
		}
	}
	return nil
}

func (r formReader) member(f *field, n *node, v reflect.Value) error {
	name := r.name(f)
	// A flat list of the query protocol takes the name of its items.
	if !r.ec2 && f.shape.flat && f.shape.itemName != "" {
		name = f.shape.itemName
	}
	if c := n.next[name]; c != nil {
		return r.value(&f.shape, c, v)
	}
	return nil
}

func (r formReader) value(s *shape, n *node, v reflect.Value) error {
	switch s.kind {
	case kindStructure:
		if s.pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		n.used = true
		return r.structure(s.structure, n, v)
	case kindList:
		return r.list(s, n, v)
	case kindMap:
		return r.entries(s, n, v)
	case kindDocument, kindBody, kindEvents:
		return nil
	}
	if !n.set {
		return nil
	}
	n.used = true
	if r.ec2 && n.value == "" && s.kind != kindString {
		return nil
	}
	if err := setText(s, v, n.value, timeISO8601); err != nil {
		return &parameterError{n.full, n.value, s.kind}
	}
	return nil
}

func (r formReader) list(s *shape, n *node, v reflect.Value) error {
	n.used = true // "Name=" is an empty list
	if !r.ec2 && !s.flat {
		c := n.next[s.itemName]
		if c == nil {
			c = n.next["member"]
		}
		if c == nil {
			c = &node{}
		}
		c.used = true
		n = c
	}
	items := n.numbered()
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := r.value(s.elem, item, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r formReader) entries(s *shape, n *node, v reflect.Value) error {
	n.used = true
	if !s.flat && !r.ec2 {
		c := n.next["entry"]
		if c == nil {
			c = &node{}
		}
		c.used = true
		n = c
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	keyName, valueName := s.entryNames()
	for _, entry := range n.numbered() {
		k, val := entry.next[keyName], entry.next[valueName]
		if k == nil {
			continue
		}
		k.used = true
		value := reflect.New(s.elem.typ).Elem()
		if val != nil {
			if err := r.value(s.elem, val, value); err != nil {
				return err
			}
		}
		m.SetMapIndex(reflect.ValueOf(k.value).Convert(s.key.typ), value)
	}
	return nil
}

// entryNames are the names of a map entry's parts.
func (s *shape) entryNames() (key, value string) {
	key, value = s.keyName, s.valueName
	if key == "" {
		key = "key"
	}
	if value == "" {
		value = "value"
	}
	return key, value
}
