package proto

import (
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"strconv"
	"time"
)

// typeError is a well-formed value of the wrong type.
type typeError struct{ reason string }

func (e *typeError) Error() string { return e.reason }

// cannot words a mismatch of types as AWS does: "STRING_VALUE can not be converted to an Integer".
func cannot(from string, to kind) error {
	article := " can not be converted to a "
	if to == kindInt32 {
		article = " can not be converted to an "
	}
	return &typeError{reason: from + article + to.String()}
}

// jsonReader reads JSON into generated types.
type jsonReader struct {
	scanner
	time timeFormat // of timestamps without a format of their own
}

// readJSON reads the whole of body into v, a struct. An empty body is an empty object.
func readJSON(body []byte, p *structure, v reflect.Value) error {
	r := jsonReader{scanner: scanner{b: body}, time: timeUnix}
	if r.peek() == 0 && r.i == len(body) {
		return nil
	}
	if err := r.structure(p, v); err != nil {
		return err
	}
	return r.end()
}

func (r *jsonReader) end() error {
	if r.peek() != 0 || r.i != len(r.b) {
		return r.fail("text after the value")
	}
	return nil
}

func (r *jsonReader) structure(p *structure, v reflect.Value) error {
	if c := r.peek(); c != '{' {
		return r.mismatch(c, kindStructure)
	}
	if err := r.open(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.next(first, '}')
		if err != nil || !more {
			return err
		}
		key, err := r.key()
		if err != nil {
			return err
		}
		f := p.byWire[string(key)]
		if f == nil || f.location != inBody {
			err = r.skip()
		} else {
			err = r.value(&f.shape, v.Field(f.index))
		}
		if err != nil {
			return err
		}
	}
}

// value reads the next value into v. A null leaves v as it is.
func (r *jsonReader) value(s *shape, v reflect.Value) error {
	c := r.peek()
	if c == 'n' {
		return r.word("null")
	}
	if s.pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.kind {
	case kindStructure:
		return r.structure(s.structure, v)
	case kindList:
		return r.list(s, v)
	case kindMap:
		return r.entries(s, v)
	case kindDocument:
		d, err := r.document(true)
		if err == nil && d != nil {
			v.Set(reflect.ValueOf(d))
		}
		return err
	}
	return r.scalar(s, v, c)
}

func (r *jsonReader) scalar(s *shape, v reflect.Value, c byte) error {
	switch {
	case c == '"':
		text, err := r.str()
		if err != nil {
			return err
		}
		return r.text(s, v, text)
	case c == 't', c == 'f':
		word := "true"
		if c == 'f' {
			word = "false"
		}
		if err := r.word(word); err != nil {
			return err
		}
		if s.kind != kindBool {
			return cannot(boolName(c == 't'), s.kind)
		}
		v.SetBool(c == 't')
		return nil
	case c == '-', c >= '0' && c <= '9':
		n, err := r.number()
		if err != nil {
			return err
		}
		return r.numeral(s, v, n)
	}
	return r.mismatch(c, s.kind)
}

func boolName(b bool) string {
	if b {
		return "TRUE_VALUE"
	}
	return "FALSE_VALUE"
}

// mismatch says that what begins with c is not a value of kind want.
func (r *jsonReader) mismatch(c byte, want kind) error {
	switch {
	case c == 0:
		return r.fail("unexpected end of input")
	case c == '{':
		return &typeError{reason: "Start of structure or map found where not expected."}
	case c == '[':
		return &typeError{reason: "Start of list found where not expected"}
	case c == '"', c == '-', c >= '0' && c <= '9', c == 't', c == 'f':
		if want == kindList {
			return &typeError{reason: "Expected list or null"}
		}
		return &typeError{reason: "Expected null"}
	}
	return r.fail("unexpected character")
}

func (r *jsonReader) text(s *shape, v reflect.Value, text []byte) error {
	switch s.kind {
	case kindString:
		v.SetString(string(text))
	case kindBlob:
		b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		n, err := base64.StdEncoding.Decode(b, text)
		if err != nil {
			return &typeError{reason: "Blob is not base64"}
		}
		v.SetBytes(b[:n])
	case kindFloat:
		f, ok := namedFloat(string(text))
		if !ok {
			return cannot("STRING_VALUE", s.kind)
		}
		v.SetFloat(f)
	case kindTime:
		format := s.timeFormat(r.time)
		if format == timeUnix {
			return cannot("STRING_VALUE", s.kind)
		}
		return setTime(v, string(text), format)
	default:
		return cannot("STRING_VALUE", s.kind)
	}
	return nil
}

func (r *jsonReader) numeral(s *shape, v reflect.Value, n []byte) error {
	switch s.kind {
	case kindInt32, kindInt64:
		i, err := wholeNumber(string(n))
		if err != nil || v.OverflowInt(i) {
			return cannot("NUMBER_VALUE", s.kind)
		}
		v.SetInt(i)
	case kindFloat:
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil {
			return cannot("NUMBER_VALUE", s.kind)
		}
		v.SetFloat(f)
	case kindTime:
		if s.timeFormat(r.time) != timeUnix {
			return cannot("NUMBER_VALUE", s.kind)
		}
		return setTime(v, string(n), timeUnix)
	default:
		return cannot("NUMBER_VALUE", s.kind)
	}
	return nil
}

// timeFormat is the shape's own format, else the protocol's.
func (s *shape) timeFormat(protocol timeFormat) timeFormat {
	if s.time != timeDefault {
		return s.time
	}
	return protocol
}

func setTime(v reflect.Value, text string, format timeFormat) error {
	t, err := parseTime(text, format)
	if err != nil {
		return &typeError{reason: "Timestamp is not in the expected format"}
	}
	*v.Addr().Interface().(*time.Time) = t
	return nil
}

var errNotWhole = errors.New("not a whole number")

// wholeNumber reads an integer; 1.0 and 1e3 are integers too, as JSON sees it.
func wholeNumber(n string) (int64, error) {
	if i, err := strconv.ParseInt(n, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, errNotWhole
	}
	return int64(f), nil
}

// namedFloat reads the floats that JSON numbers cannot express.
func namedFloat(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

func (r *jsonReader) list(s *shape, v reflect.Value) error {
	if c := r.peek(); c != '[' {
		return r.mismatch(c, kindList)
	}
	if err := r.open(); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, s.elem.room()))
	for first := true; ; first = false {
		more, err := r.next(first, ']')
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
		if r.peek() == 'n' {
			if err := r.word("null"); err != nil {
				return err
			}
			continue
		}
		n := v.Len()
		grow(v, n+1)
		if err := r.value(s.elem, v.Index(n)); err != nil {
			return err
		}
	}
}

// room is the capacity a list of such items starts with: structures are large and mostly alone.
func (s *shape) room() int {
	if s.kind == kindStructure {
		return 1
	}
	return 4
}

// grow makes v one of n elements, new ones zero.
func grow(v reflect.Value, n int) {
	if n > v.Cap() {
		v.Grow(n - v.Len())
	}
	v.SetLen(n)
	v.Index(n - 1).SetZero()
}

func (r *jsonReader) entries(s *shape, v reflect.Value) error {
	if c := r.peek(); c != '{' {
		return r.mismatch(c, kindMap)
	}
	if err := r.open(); err != nil {
		return err
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	for first := true; ; first = false {
		more, err := r.next(first, '}')
		if err != nil || !more {
			return err
		}
		k, err := r.key()
		if err != nil {
			return err
		}
		key := reflect.ValueOf(string(k)).Convert(s.key.typ)
		if r.peek() == 'n' {
			if err := r.word("null"); err != nil {
				return err
			}
			continue
		}
		value := reflect.New(s.elem.typ).Elem()
		if err := r.value(s.elem, value); err != nil {
			return err
		}
		m.SetMapIndex(key, value)
	}
}
