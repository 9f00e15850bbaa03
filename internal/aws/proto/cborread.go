package proto

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"time"
	"unicode/utf8"
)

var (
	errCBOR      = errors.New("body is not well-formed CBOR")
	errCBORDepth = errors.New("body nests too deeply")
)

// cborReader reads CBOR (RFC 8949) into generated types.
type cborReader struct {
	b     []byte
	i     int
	depth int
}

// Major types of CBOR.
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

const (
	cborIndefinite = 31
	cborFalse      = 20
	cborTrue       = 21
	cborNull       = 22
	cborUndefined  = 23
	cborHalf       = 25
	cborSingle     = 26
	cborDouble     = 27
	cborEpoch      = 1 // tag
)

// head is the start of a data item.
type head struct {
	major, info byte
	n           uint64
}

func (h head) indefinite() bool { return h.info == cborIndefinite }
func (h head) null() bool {
	return h.major == cborSimple && (h.info == cborNull || h.info == cborUndefined)
}

func (r *cborReader) head() (head, error) {
	if r.i >= len(r.b) {
		return head{}, errCBOR
	}
	h := head{major: r.b[r.i] >> 5, info: r.b[r.i] & 31}
	r.i++
	if h.info < 24 {
		h.n = uint64(h.info)
		return h, nil
	}
	if h.info == cborIndefinite && (h.major >= cborBytes && h.major <= cborMap) {
		return h, nil
	}
	if h.info > 27 {
		return head{}, errCBOR
	}
	size := 1 << (h.info - 24)
	if len(r.b)-r.i < size {
		return head{}, errCBOR
	}
	p := r.b[r.i : r.i+size]
	r.i += size
	switch size {
	case 1:
		h.n = uint64(p[0])
	case 2:
		h.n = uint64(binary.BigEndian.Uint16(p))
	case 4:
		h.n = uint64(binary.BigEndian.Uint32(p))
	default:
		h.n = binary.BigEndian.Uint64(p)
	}
	return h, nil
}

// each calls item once per element of an array, or per key of a map.
func (r *cborReader) each(h head, item func() error) error {
	if r.depth++; r.depth > maxDepth {
		return errCBORDepth
	}
	defer func() { r.depth-- }()
	for n := uint64(0); h.indefinite() || n < h.n; n++ {
		if r.i >= len(r.b) {
			return errCBOR
		}
		if h.indefinite() && r.b[r.i] == 0xff {
			r.i++
			return nil
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

// bytes reads the content of a byte or text string. The result shares the body's memory unless the string is in chunks.
func (r *cborReader) bytes(h head) ([]byte, error) {
	if !h.indefinite() {
		if h.n > uint64(len(r.b)-r.i) {
			return nil, errCBOR
		}
		out := r.b[r.i : r.i+int(h.n)]
		r.i += int(h.n)
		if h.major == cborText && !utf8.Valid(out) {
			return nil, errCBOR
		}
		return out, nil
	}
	out := []byte{}
	err := r.each(h, func() error {
		chunk, err := r.head()
		if err != nil {
			return err
		}
		if chunk.major != h.major || chunk.indefinite() {
			return errCBOR
		}
		part, err := r.bytes(chunk)
		out = append(out, part...)
		return err
	})
	return out, err
}

func (r *cborReader) key() (string, error) {
	h, err := r.head()
	if err != nil {
		return "", err
	}
	if h.major != cborText {
		return "", &typeError{reason: "map keys must be text"}
	}
	b, err := r.bytes(h)
	return string(b), err
}

func (r *cborReader) structure(p *structure, h head, v reflect.Value) error {
	if h.major != cborMap {
		return cannot(h.typeName(), kindStructure)
	}
	return r.each(h, func() error {
		name, err := r.key()
		if err != nil {
			return err
		}
		if f := p.byName[name]; f != nil {
			return r.value(&f.shape, v.Field(f.index))
		}
		_, err = r.skip()
		return err
	})
}

func (h head) typeName() string {
	switch h.major {
	case cborUint, cborNegative:
		return "NUMBER_VALUE"
	case cborBytes:
		return "BLOB_VALUE"
	case cborText:
		return "STRING_VALUE"
	case cborArray:
		return "LIST_VALUE"
	case cborMap:
		return "MAP_VALUE"
	case cborTag:
		return "TAG_VALUE"
	}
	if h.info == cborTrue || h.info == cborFalse {
		return "BOOLEAN_VALUE"
	}
	return "NUMBER_VALUE"
}

// value reads the next item into v. A null leaves v as it is.
func (r *cborReader) value(s *shape, v reflect.Value) error {
	h, err := r.head()
	if err != nil || h.null() {
		return err
	}
	return r.item(s, h, v)
}

func (r *cborReader) item(s *shape, h head, v reflect.Value) error {
	if s.pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.kind {
	case kindStructure:
		return r.structure(s.structure, h, v)
	case kindList:
		return r.list(s, h, v)
	case kindMap:
		return r.entries(s, h, v)
	case kindString, kindBlob:
		return r.stringOrBlob(s, h, v)
	case kindTime:
		return r.time(h, v)
	case kindBool:
		if h.major != cborSimple || h.info != cborTrue && h.info != cborFalse {
			return cannot(h.typeName(), s.kind)
		}
		v.SetBool(h.info == cborTrue)
		return nil
	case kindInt32, kindInt64:
		return r.integer(s, h, v)
	case kindFloat:
		f, ok := h.float()
		if !ok {
			return cannot(h.typeName(), s.kind)
		}
		v.SetFloat(f)
		return nil
	}
	return cannot(h.typeName(), s.kind)
}

func (r *cborReader) stringOrBlob(s *shape, h head, v reflect.Value) error {
	want := byte(cborText)
	if s.kind == kindBlob {
		want = cborBytes
	}
	if h.major != want {
		return cannot(h.typeName(), s.kind)
	}
	b, err := r.bytes(h)
	if err != nil {
		return err
	}
	if s.kind == kindBlob {
		v.SetBytes(append([]byte{}, b...))
	} else {
		v.SetString(string(b))
	}
	return nil
}

func (r *cborReader) integer(s *shape, h head, v reflect.Value) error {
	i, ok := h.integer()
	if f, isFloat := h.float(); !ok && isFloat && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		i, ok = int64(f), true
	}
	if !ok || v.OverflowInt(i) {
		return cannot(h.typeName(), s.kind)
	}
	v.SetInt(i)
	return nil
}

func (h head) integer() (int64, bool) {
	switch {
	case h.major == cborUint && h.n <= math.MaxInt64:
		return int64(h.n), true
	case h.major == cborNegative && h.n <= math.MaxInt64:
		return -1 - int64(h.n), true
	}
	return 0, false
}

func (h head) float() (float64, bool) {
	switch {
	case h.major == cborUint:
		return float64(h.n), true
	case h.major == cborNegative:
		return -1 - float64(h.n), true
	case h.major != cborSimple:
		return 0, false
	case h.info == cborHalf:
		return halfFloat(uint16(h.n)), true
	case h.info == cborSingle:
		return float64(math.Float32frombits(uint32(h.n))), true
	case h.info == cborDouble:
		return math.Float64frombits(h.n), true
	}
	return 0, false
}

// halfFloat is the IEEE 754 half-precision number of these bits.
func halfFloat(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&31), float64(bits&1023)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(mantissa, -24)
	case 31:
		f = math.Inf(1)
		if mantissa != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		f = -f
	}
	return f
}

func (r *cborReader) time(h head, v reflect.Value) error {
	if h.major != cborTag || h.n != cborEpoch {
		return cannot(h.typeName(), kindTime)
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	seconds, ok := h.float()
	if !ok {
		return cannot(h.typeName(), kindTime)
	}
	t, err := epoch(seconds)
	if err != nil {
		return &typeError{reason: "Timestamp is out of range"}
	}
	*v.Addr().Interface().(*time.Time) = t
	return nil
}

func (r *cborReader) list(s *shape, h head, v reflect.Value) error {
	if h.major != cborArray {
		return cannot(h.typeName(), s.kind)
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, s.elem.room()))
	return r.each(h, func() error {
		item, err := r.head()
		if err != nil || item.null() {
			return err
		}
		n := v.Len()
		grow(v, n+1)
		return r.item(s.elem, item, v.Index(n))
	})
}

func (r *cborReader) entries(s *shape, h head, v reflect.Value) error {
	if h.major != cborMap {
		return cannot(h.typeName(), s.kind)
	}
	m := reflect.MakeMap(v.Type())
	v.Set(m)
	return r.each(h, func() error {
		name, err := r.key()
		if err != nil {
			return err
		}
		item, err := r.head()
		if err != nil || item.null() {
			return err
		}
		value := reflect.New(s.elem.typ).Elem()
		if err := r.item(s.elem, item, value); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(s.key.typ), value)
		return nil
	})
}

// skip passes over one item of any type.
func (r *cborReader) skip() (head, error) {
	h, err := r.head()
	if err != nil {
		return h, err
	}
	switch h.major {
	case cborBytes, cborText:
		_, err = r.bytes(h)
	case cborArray:
		err = r.each(h, func() error { _, err := r.skip(); return err })
	case cborMap:
		err = r.each(h, func() error {
			if _, err := r.skip(); err != nil {
				return err
			}
			_, err := r.skip()
			return err
		})
	case cborTag:
		if r.depth++; r.depth > maxDepth {
			return h, errCBORDepth
		}
		_, err = r.skip()
		r.depth--
	}
	return h, err
}
