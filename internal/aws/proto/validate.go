package proto

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/neargate/neargate/internal/aws"
)

// Violation is one constraint of the model that an input fails.
type Violation struct {
	Path       string // "containerDefinitions.1.member.name", first letters in lower case
	Missing    bool   // a required member is absent
	InBody     bool   // REST: the member, or what it is part of, is in the body
	Value      string // "null", or quoted; empty where the member is sensitive
	Constraint string // "Member must have length less than or equal to 64"
}

func (v Violation) String() string {
	value := ""
	if v.Value != "" {
		value = " " + v.Value
	}
	return "Value" + value + " at '" + v.Path + "' failed to satisfy constraint: " + v.Constraint
}

// maxViolations bounds the message: AWS stops there too.
const maxViolations = 10

// Validate checks an input (a pointer to a generated struct) against the model's constraints.
func Validate(svc *aws.Service, in any) []Violation {
	v := reflect.ValueOf(in).Elem()
	plan := planOf(v.Type(), svc)
	if !plan.checked {
		return nil
	}
	c := checker{}
	c.structure(plan, v, nil)
	return c.found
}

type checker struct {
	found  []Violation
	inBody bool // what is being checked
}

func (c *checker) full() bool { return len(c.found) >= maxViolations }

func (c *checker) structure(p *structure, v reflect.Value, at *trail) {
	for i := range p.fields {
		f := &p.fields[i]
		if !f.required && !f.shape.checked || c.full() {
			continue
		}
		fv := v.Field(f.index)
		if at == nil {
			c.inBody = f.location == inBody || f.location == inPayload
		}
		if fv.IsNil() {
			if f.required {
				c.found = append(c.found, Violation{
					Path: (&trail{up: at, name: f.name}).String(), Missing: true, InBody: c.inBody, Value: "null", Constraint: "Member must not be null",
				})
			}
			continue
		}
		if f.shape.checked {
			c.value(&f.shape, fv, &trail{up: at, name: f.name})
		}
	}
}

func (c *checker) value(s *shape, v reflect.Value, at *trail) {
	if s.pointer {
		v = v.Elem()
	}
	if broken := s.broken(v); len(broken) > 0 {
		for _, constraint := range broken {
			c.add(s, v, at, constraint)
		}
		return
	}
	switch s.kind {
	case kindStructure:
		if s.union && countSet(s.structure, v) != 1 {
			c.add(s, v, at, "Member must have exactly one member set")
		}
		if s.structure.checked {
			c.structure(s.structure, v, at)
		}
	case kindList:
		if s.elem.checked {
			c.list(s, v, at)
		}
	case kindMap:
		c.entries(s, v, at)
	}
}

// list checks items. A scalar item's failure is reported of the whole list, with all that is asked of items, as AWS does.
func (c *checker) list(s *shape, v reflect.Value, at *trail) {
	for i := 0; i < v.Len() && !c.full(); i++ {
		if s.elem.kind != kindStructure && s.elem.kind != kindList && s.elem.kind != kindMap {
			if len(s.elem.broken(v.Index(i))) > 0 {
				c.add(s, v, at, "Member must satisfy constraint: ["+strings.Join(s.elem.constraints(), ", ")+"]")
				return
			}
			continue
		}
		c.value(s.elem, v.Index(i), &trail{up: at, item: i + 1})
	}
}

func (c *checker) entries(s *shape, v reflect.Value, at *trail) {
	if !s.key.checked && !s.elem.checked {
		return
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		if c.full() {
			return
		}
		if len(s.key.broken(key)) > 0 {
			c.add(s, v, at, "Map keys must satisfy constraint: ["+strings.Join(s.key.constraints(), ", ")+"]")
			return
		}
		if !s.elem.checked {
			continue
		}
		value := v.MapIndex(key)
		switch s.elem.kind {
		case kindStructure, kindList, kindMap:
			c.value(s.elem, value, &trail{up: at, key: key.String()})
		default:
			if len(s.elem.broken(value)) > 0 {
				c.add(s, v, at, "Map value must satisfy constraint: ["+strings.Join(s.elem.constraints(), ", ")+"]")
				return
			}
		}
	}
}

func (c *checker) add(s *shape, v reflect.Value, at *trail, constraint string) {
	if c.full() {
		return
	}
	shown := ""
	if !s.hides() {
		shown = "'" + show(v) + "'"
	}
	c.found = append(c.found, Violation{
		InBody: c.inBody,
		Path:   at.String(), Value: shown, Constraint: constraint,
	})
}

// hides reports whether values of the shape must not be shown.
func (s *shape) hides() bool {
	return s.sensitive || s.elem != nil && s.elem.hides() || s.key != nil && s.key.hides()
}

// broken lists the constraints of this very value that v fails, nested values aside.
func (s *shape) broken(v reflect.Value) []string {
	var out []string
	size, sized := s.size(v)
	if sized && s.max != nil && size > *s.max {
		out = append(out, s.bound(*s.max, "less"))
	}
	if sized && s.min != nil && size < *s.min {
		out = append(out, s.bound(*s.min, "greater"))
	}
	if s.kind == kindString {
		if s.pattern != nil && !s.pattern.matches(v.String()) {
			out = append(out, s.patternText())
		}
		if len(s.values) > 0 && !slices.Contains(s.values, v.String()) {
			out = append(out, s.enumText())
		}
	}
	return out
}

// constraints lists all that is asked of values of the shape.
func (s *shape) constraints() []string {
	var out []string
	if s.max != nil {
		out = append(out, s.bound(*s.max, "less"))
	}
	if s.min != nil {
		out = append(out, s.bound(*s.min, "greater"))
	}
	if s.pattern != nil {
		out = append(out, s.patternText())
	}
	if len(s.values) > 0 {
		out = append(out, s.enumText())
	}
	return out
}

func (s *shape) patternText() string {
	return "Member must satisfy regular expression pattern: " + s.pattern.source
}

func (s *shape) enumText() string {
	return "Member must satisfy enum value set: [" + strings.Join(s.values, ", ") + "]"
}

func (s *shape) bound(limit float64, direction string) string {
	what := "length"
	if s.kind == kindInt32 || s.kind == kindInt64 || s.kind == kindFloat {
		what = "value"
	}
	return fmt.Sprintf("Member must have %s %s than or equal to %s", what, direction, strconv.FormatFloat(limit, 'f', -1, 64))
}

// size is what min and max speak about.
func (s *shape) size(v reflect.Value) (float64, bool) {
	if s.min == nil && s.max == nil {
		return 0, false
	}
	switch s.kind {
	case kindString:
		return float64(utf8.RuneCountInString(v.String())), true
	case kindBlob, kindList, kindMap:
		return float64(v.Len()), true
	case kindInt32, kindInt64:
		return float64(v.Int()), true
	case kindFloat:
		return v.Float(), true
	}
	return 0, false
}

func countSet(p *structure, v reflect.Value) int {
	n := 0
	for i := range p.fields {
		if !v.Field(p.fields[i].index).IsNil() {
			n++
		}
	}
	return n
}

// trail is where in the input a check is: a chain of members, items and keys, written only when there is a violation.
type trail struct {
	up   *trail
	name string // of a member
	item int    // of a list, from 1
	key  string // of a map
}

func (t *trail) String() string {
	var here string
	switch {
	case t.item > 0:
		here = strconv.Itoa(t.item) + ".member"
	case t.name == "":
		here = t.key + ".member"
	default:
		r, n := utf8.DecodeRuneInString(t.name)
		here = string(unicode.ToLower(r)) + t.name[n:]
	}
	if t.up == nil {
		return here
	}
	return t.up.String() + "." + here
}

// maxShown bounds how much of a bad value comes back in a message.
const maxShown = 1024

func show(v reflect.Value) string {
	var text string
	switch v.Kind() {
	case reflect.String:
		text = v.String()
	case reflect.Slice:
		if v.Type() == bytesType {
			return "[" + strconv.Itoa(v.Len()) + " bytes]"
		}
		text = showList(v)
	case reflect.Map:
		text = showMap(v)
	case reflect.Float64:
		text = strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Struct:
		text = v.Type().Name()
	case reflect.Pointer:
		return show(v.Elem())
	default:
		text = fmt.Sprint(v.Interface())
	}
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "..."
	}
	return text
}

func showList(v reflect.Value) string {
	var parts []string
	for i, size := 0, 0; i < v.Len() && size <= maxShown; i++ {
		part := show(v.Index(i))
		size += len(part)
		parts = append(parts, part)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func showMap(v reflect.Value) string {
	var parts []string
	for _, key := range v.MapKeys() {
		parts = append(parts, key.String()+"="+show(v.MapIndex(key)))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}
