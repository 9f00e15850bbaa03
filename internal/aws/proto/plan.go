package proto

import (
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws"
)

type kind uint8

const (
	kindString kind = iota
	kindInt32
	kindInt64
	kindFloat
	kindBool
	kindTime
	kindBlob
	kindList
	kindMap
	kindStructure
	kindDocument
	kindBody   // streaming blob
	kindEvents // event stream
)

var kindNames = [...]string{
	"String", "Integer", "Long", "Double", "Boolean", "Timestamp", "Blob", "List", "Map", "Structure", "Document", "Stream", "Events",
}

func (k kind) String() string { return kindNames[k] }

// structure is the plan of one generated struct type.
type structure struct {
	typ      reflect.Type
	fields   []field
	byWire   map[string]*field
	byName   map[string]*field
	payload  *field // in=payload
	events   *field // the event stream of an output
	checked  bool   // whether any value of this type can violate a constraint
	hasBound bool   // whether REST protocols bind members outside the body
}

// field is the plan of one member.
type field struct {
	index      int
	name       string
	wire       string
	ec2        string
	location   location
	required   bool
	attribute  bool
	jsonHeader bool
	shape      shape
}

// shape is the plan of a value: of a member, or of the items, keys and values within it.
type shape struct {
	kind      kind
	pointer   bool // scalars of members, structures of members
	typ       reflect.Type
	elem, key *shape
	structure *structure

	time      timeFormat
	flat      bool
	itemName  string
	keyName   string
	valueName string
	namespace string
	nsPrefix  string

	min, max  *float64
	pattern   *pattern
	enum      string
	values    []string // of enum
	union     bool
	sensitive bool
	checked   bool // whether a value can violate a constraint
}

var plans struct {
	sync.Map // reflect.Type → *structure, complete
	sync.Mutex
}

// planOf is the plan of the struct type t, which belongs to the API svc.
func planOf(t reflect.Type, svc *aws.Service) *structure {
	if p, ok := plans.Load(t); ok {
		return p.(*structure)
	}
	plans.Lock()
	defer plans.Unlock()
	if p, ok := plans.Load(t); ok {
		return p.(*structure)
	}
	b := builder{service: svc, fresh: map[reflect.Type]*structure{}}
	p := b.structure(t)
	b.markChecked()
	for typ, s := range b.fresh {
		plans.Store(typ, s)
	}
	return p
}

// builder compiles one type and what it reaches. Recursive types meet themselves in fresh.
type builder struct {
	service *aws.Service
	fresh   map[reflect.Type]*structure
}

func (b *builder) structure(t reflect.Type) *structure {
	if p, ok := plans.Load(t); ok {
		return p.(*structure)
	}
	if p := b.fresh[t]; p != nil {
		return p
	}
	p := &structure{typ: t, byWire: map[string]*field{}, byName: map[string]*field{}}
	b.fresh[t] = p
	p.fields = make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("api")
		if !ok {
			continue
		}
		p.fields = append(p.fields, field{index: i})
		f := &p.fields[len(p.fields)-1]
		b.shape(&f.shape, t.Field(i).Type)
		if err := f.parseTag(tag); err != nil {
			panic(fmt.Sprintf("%s.%s: %v", t, t.Field(i).Name, err)) // generated code and this package disagree
		}
		b.finish(&f.shape)
		p.byWire[f.wire], p.byName[f.name] = f, f
		switch {
		case f.location == inPayload:
			p.payload = f
		case f.shape.kind == kindEvents:
			p.events = f
		}
		p.hasBound = p.hasBound || f.location != inBody
	}
	return p
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	bytesType  = reflect.TypeFor[[]byte]()
	readerType = reflect.TypeFor[io.Reader]()
	anyType    = reflect.TypeFor[any]()
	eventsType = reflect.TypeFor[eventSource]()
)

// eventSource is what aws.Stream[T] is to an encoder.
type eventSource interface {
	Each(yield func(event any, err error) bool)
}

func (b *builder) shape(s *shape, t reflect.Type) {
	s.typ = t
	if t.Kind() == reflect.Pointer {
		s.pointer = true
		t = t.Elem()
	}
	switch {
	case t.Implements(eventsType):
		s.kind = kindEvents
	case t == timeType:
		s.kind = kindTime
	case t == bytesType:
		s.kind = kindBlob
	case t == readerType:
		s.kind = kindBody
	case t == anyType:
		s.kind = kindDocument
	default:
		b.shapeByKind(s, t)
	}
}

// shapeOf is the plan of a value that no tag describes: a further member of an error.
func shapeOf(value any) (*shape, reflect.Value) {
	v := addressable(reflect.ValueOf(&value).Elem().Elem())
	s := &shape{}
	(&builder{fresh: map[reflect.Type]*structure{}}).shape(s, v.Type())
	return s, v
}

func (b *builder) shapeByKind(s *shape, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		s.kind = kindString
	case reflect.Int32:
		s.kind = kindInt32
	case reflect.Int64:
		s.kind = kindInt64
	case reflect.Float64:
		s.kind = kindFloat
	case reflect.Bool:
		s.kind = kindBool
	case reflect.Slice:
		s.kind = kindList
		s.elem = &shape{}
		b.shape(s.elem, t.Elem())
	case reflect.Map:
		s.kind = kindMap
		s.key, s.elem = &shape{}, &shape{}
		b.shape(s.key, t.Key())
		b.shape(s.elem, t.Elem())
	case reflect.Struct:
		s.kind = kindStructure
		s.structure = b.structure(t)
	default:
		panic("proto: no wire form of " + t.String())
	}
}

// finish resolves what needs both type and tag.
func (b *builder) finish(s *shape) {
	if s.enum != "" && b.service != nil && b.service.EnumValues != nil {
		s.values = b.service.EnumValues(s.enum)
	}
	if s.elem != nil {
		b.finish(s.elem)
	}
	if s.key != nil {
		b.finish(s.key)
	}
}

// markChecked finds which plans can skip validation. Types refer to each other in cycles, so it repeats until nothing changes.
func (b *builder) markChecked() {
	for changed := true; changed; {
		changed = false
		for _, p := range b.fresh {
			for i := range p.fields {
				f := &p.fields[i]
				if f.shape.mark() || f.required {
					if !p.checked {
						p.checked, changed = true, true
					}
				}
			}
		}
	}
}

func (s *shape) mark() bool {
	elem := s.elem != nil && s.elem.mark()
	key := s.key != nil && s.key.mark()
	s.checked = s.min != nil || s.max != nil || s.pattern != nil || len(s.values) > 0 || s.union || elem || key ||
		s.structure != nil && s.structure.checked
	return s.checked
}
