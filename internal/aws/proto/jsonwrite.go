package proto

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendJSON writes a struct. Members that are bound elsewhere are left out.
func appendJSON(b []byte, p *structure, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if fv.IsNil() || f.location != inBody && f.location != inEventPayload || f.shape.kind == kindEvents {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendJSONString(b, f.wire), ':')
		b = appendJSONValue(b, &f.shape, fv)
	}
	return append(b, '}')
}

func appendJSONValue(b []byte, s *shape, v reflect.Value) []byte {
	if s.pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		return appendJSONString(b, v.String())
	case kindInt32, kindInt64:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindFloat:
		return appendJSONDouble(b, v.Float())
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindTime:
		return appendJSONTime(b, *v.Addr().Interface().(*time.Time), s.timeFormat(timeUnix))
	case kindBlob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	case kindStructure:
		return appendJSON(b, s.structure, v)
	case kindDocument:
		return appendDocument(b, v.Interface())
	case kindList:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONValue(b, s.elem, v.Index(i))
		}
		return append(b, ']')
	case kindMap:
		return appendJSONEntries(b, s, v)
	}
	return append(b, "null"...)
}

func appendJSONEntries(b []byte, s *shape, v reflect.Value) []byte {
	b = append(b, '{')
	for i, key := range sortedKeys(v) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, key.String()), ':')
		b = appendJSONValue(b, s.elem, addressable(v.MapIndex(key)))
	}
	return append(b, '}')
}

// addressable copies a map's value to where its address can be taken, which times need.
func addressable(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func appendJSONTime(b []byte, t time.Time, format timeFormat) []byte {
	if format == timeUnix {
		return appendTime(b, t, format)
	}
	b = append(b, '"')
	b = appendTime(b, t, format)
	return append(b, '"')
}

// appendJSONDouble writes a modeled double as AWS does: 3.0, from which clients without types see that it is none of the integers.
func appendJSONDouble(b []byte, f float64) []byte {
	b = appendJSONFloat(b, f)
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		b = append(b, ".0"...)
	}
	return b
}

func appendJSONFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

const hexDigits = "0123456789abcdef"

func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(append(b, s[start:i]...), `\ufffd`...)
		} else {
			b = appendEscape(append(b, s[start:i]...), c)
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendDocument writes a free-form value, of the kinds a request's document is read into and of those Go code makes.
func appendDocument(b []byte, d any) []byte {
	switch d := d.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendJSONString(b, d)
	case bool:
		return strconv.AppendBool(b, d)
	case int64:
		return strconv.AppendInt(b, d, 10)
	case int:
		return strconv.AppendInt(b, int64(d), 10)
	case float64:
		return appendJSONFloat(b, d)
	case []any:
		b = append(b, '[')
		for i, item := range d {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendDocument(b, item)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		first := true
		for _, key := range sortedKeys(reflect.ValueOf(d)) {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(appendJSONString(b, key.String()), ':')
			b = appendDocument(b, d[key.String()])
		}
		return append(b, '}')
	case []string:
		b = append(b, '[')
		for i, item := range d {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, item)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}
