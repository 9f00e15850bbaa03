package proto

import (
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"strconv"
	"time"
)

// plainText writes a scalar as text: in headers, labels and query strings, and in XML.
func plainText(s *shape, v reflect.Value, protocol timeFormat) string {
	return string(appendText(nil, s, v, protocol))
}

func appendText(b []byte, s *shape, v reflect.Value, protocol timeFormat) []byte {
	if s.pointer {
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		return append(b, v.String()...)
	case kindInt32, kindInt64:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindFloat:
		return appendTextFloat(b, v.Float())
	case kindTime:
		return appendTime(b, *v.Addr().Interface().(*time.Time), s.timeFormat(protocol))
	case kindBlob:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	}
	return b
}

func appendTextFloat(b []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	case math.IsNaN(f):
		return append(b, "NaN"...)
	}
	return appendJSONFloat(b, f)
}

var errNotBoolean = errors.New("not a boolean")

// setText reads a scalar from text.
func setText(s *shape, v reflect.Value, text string, protocol timeFormat) error {
	if s.pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch s.kind {
	case kindString:
		v.SetString(text)
	case kindInt32, kindInt64:
		bits := 64
		if s.kind == kindInt32 {
			bits = 32
		}
		i, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return err
		}
		v.SetInt(i)
	case kindBool:
		return setBool(v, text)
	case kindFloat:
		return setFloat(v, text)
	case kindTime:
		return setTime(v, text, s.timeFormat(protocol))
	case kindBlob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		v.SetBytes(b)
	}
	return nil
}

func setBool(v reflect.Value, text string) error {
	switch text {
	case "true", "True", "TRUE":
		v.SetBool(true)
	case "false", "False", "FALSE":
		v.SetBool(false)
	default:
		return errNotBoolean
	}
	return nil
}

func setFloat(v reflect.Value, text string) error {
	if f, ok := namedFloat(text); ok {
		v.SetFloat(f)
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	v.SetFloat(f)
	return nil
}
