package proto

import (
	"encoding/binary"
	"math"
	"reflect"
	"time"
)

func appendCBORHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendCBORText(b []byte, s string) []byte {
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

func appendCBORInt(b []byte, i int64) []byte {
	if i < 0 {
		return appendCBORHead(b, cborNegative, uint64(-1-i))
	}
	return appendCBORHead(b, cborUint, uint64(i))
}

func appendCBORFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, cborSimple<<5|cborDouble), math.Float64bits(f))
}

// appendCBOR writes a struct.
func appendCBOR(b []byte, p *structure, v reflect.Value) []byte {
	n := 0
	for i := range p.fields {
		if !v.Field(p.fields[i].index).IsNil() {
			n++
		}
	}
	b = appendCBORHead(b, cborMap, uint64(n))
	for i := range p.fields {
		f := &p.fields[i]
		if fv := v.Field(f.index); !fv.IsNil() {
			b = appendCBORText(b, f.name)
			b = appendCBORValue(b, &f.shape, fv)
		}
	}
	return b
}

func appendCBORValue(b []byte, s *shape, v reflect.Value) []byte {
	if s.pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		return appendCBORText(b, v.String())
	case kindInt32, kindInt64:
		return appendCBORInt(b, v.Int())
	case kindFloat:
		return appendCBORFloat(b, v.Float())
	case kindBool:
		if v.Bool() {
			return append(b, cborSimple<<5|cborTrue)
		}
		return append(b, cborSimple<<5|cborFalse)
	case kindTime:
		t := *v.Addr().Interface().(*time.Time)
		return appendCBORFloat(appendCBORHead(b, cborTag, cborEpoch), float64(t.UnixMilli())/1e3)
	case kindBlob:
		return append(appendCBORHead(b, cborBytes, uint64(v.Len())), v.Bytes()...)
	case kindStructure:
		return appendCBOR(b, s.structure, v)
	case kindList:
		b = appendCBORHead(b, cborArray, uint64(v.Len()))
		for i := range v.Len() {
			b = appendCBORValue(b, s.elem, v.Index(i))
		}
		return b
	case kindMap:
		b = appendCBORHead(b, cborMap, uint64(v.Len()))
		for _, key := range sortedKeys(v) {
			b = appendCBORText(b, key.String())
			b = appendCBORValue(b, s.elem, addressable(v.MapIndex(key)))
		}
		return b
	}
	return append(b, cborSimple<<5|cborNull)
}
