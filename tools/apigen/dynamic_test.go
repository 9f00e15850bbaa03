package main

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// dynamic makes the types at run time that generate would write as source, so that the wire can be tested against models
// which no generated package exists for.
type dynamic struct {
	*generator
	open map[string]int // shapes being made, for those that contain themselves
}

// maxUnrolled is how deep a shape that contains itself is unrolled: types made at run time cannot be recursive.
const maxUnrolled = 5

var errRecursive = errors.New("shape contains itself")

func newDynamic(m *model) *dynamic {
	return &dynamic{
		generator: &generator{model: m, service: &service{Name: "test"}, taggedEnums: map[string]bool{}},
		open:      map[string]int{},
	}
}

func (d *dynamic) structOf(name string) (reflect.Type, error) {
	if d.open[name] == maxUnrolled {
		return nil, errRecursive
	}
	d.open[name]++
	defer func() { d.open[name]-- }()
	s := d.model.Shapes[name]
	if s == nil {
		return reflect.TypeFor[struct{}](), nil
	}
	var fields []reflect.StructField
	taken := names{}
	for _, m := range s.Members {
		t, err := d.typeOf(&m.ref, true)
		if errors.Is(err, errRecursive) {
			continue
		}
		if err != nil {
			return nil, err
		}
		fields = append(fields, reflect.StructField{
			Name: taken.claim(exported(m.Name)), Type: t, Tag: reflect.StructTag(strings.Trim(d.tag(s, m), "`")),
		})
	}
	return reflect.StructOf(fields), nil
}

func (d *dynamic) typeOf(r *ref, optional bool) (reflect.Type, error) {
	s := d.model.Shapes[r.Shape]
	var t reflect.Type
	switch s.Type {
	case "structure":
		if s.Document {
			return reflect.TypeFor[any](), nil
		}
		if s.EventStream {
			return nil, fmt.Errorf("shape %s is an event stream", r.Shape)
		}
		inner, err := d.structOf(r.Shape)
		if err != nil {
			return nil, err
		}
		t = inner
	case "list":
		item, err := d.typeOf(s.Member, false)
		if err != nil {
			return nil, err
		}
		return reflect.SliceOf(item), nil
	case "map":
		value, err := d.typeOf(s.Value, false)
		if err != nil {
			return nil, err
		}
		return reflect.MapOf(reflect.TypeFor[string](), value), nil
	case "blob":
		if s.Streaming || r.Streaming {
			return reflect.TypeFor[io.Reader](), nil
		}
		return reflect.TypeFor[[]byte](), nil
	case "boolean":
		t = reflect.TypeFor[bool]()
	case "integer":
		t = reflect.TypeFor[int32]()
	case "long":
		t = reflect.TypeFor[int64]()
	case "float", "double":
		t = reflect.TypeFor[float64]()
	case "timestamp":
		t = reflect.TypeFor[time.Time]()
	default:
		t = reflect.TypeFor[string]()
	}
	if optional {
		t = reflect.PointerTo(t)
	}
	return t, nil
}

// set puts a value of a vector, as JSON has it, into v.
func (d *dynamic) set(r *ref, v reflect.Value, value any) error {
	if value == nil {
		return nil
	}
	s := d.model.Shapes[r.Shape]
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.Type {
	case "structure":
		if s.Document {
			v.Set(reflect.ValueOf(value))
			return nil
		}
		return d.setMembers(r.Shape, v, value.(map[string]any))
	case "list":
		items := value.([]any)
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i, item := range items {
			if err := d.set(s.Member, v.Index(i), item); err != nil {
				return err
			}
		}
		return nil
	case "map":
		v.Set(reflect.MakeMap(v.Type()))
		for key, item := range value.(map[string]any) {
			inner := reflect.New(v.Type().Elem()).Elem()
			if err := d.set(s.Value, inner, item); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(key), inner)
		}
		return nil
	}
	return d.setScalar(s, v, value)
}

func (d *dynamic) setScalar(s *shape, v reflect.Value, value any) error {
	switch s.Type {
	case "blob":
		if v.Kind() == reflect.Interface {
			v.Set(reflect.ValueOf(strings.NewReader(value.(string))))
		} else {
			v.SetBytes([]byte(value.(string)))
		}
	case "boolean":
		v.SetBool(value.(bool))
	case "integer", "long":
		v.SetInt(int64(value.(float64)))
	case "float", "double":
		if text, ok := value.(string); ok {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return err
			}
			value = f
		}
		v.SetFloat(value.(float64))
	case "timestamp":
		v.Set(reflect.ValueOf(time.Unix(int64(value.(float64)), 0).UTC()))
	default:
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%T for a string", value)
		}
		v.SetString(text)
	}
	return nil
}

func (d *dynamic) setMembers(shapeName string, v reflect.Value, values map[string]any) error {
	for _, m := range d.model.Shapes[shapeName].Members {
		if values[m.Name] == nil {
			continue
		}
		if err := d.set(&m.ref, v.FieldByName(exported(m.Name)), values[m.Name]); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}
