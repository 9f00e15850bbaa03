package proto

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"

	"github.com/neargate/neargate/internal/aws"
)

var errLabel = errors.New("path does not match the operation")

// bound is a member of a REST request whose text is not of its type.
type boundError struct {
	member string
	err    error
}

func (e *boundError) Error() string { return e.member + ": " + e.err.Error() }

// readBound reads the members that REST binds to path, query string and headers.
func readBound(r *Request, p *structure, v reflect.Value) error {
	if !p.hasBound {
		return nil
	}
	labels, ok := ParseTemplate(r.Info.Path).Match(r.Path, r.Query)
	if !ok {
		return errLabel
	}
	for i := range p.fields {
		f := &p.fields[i]
		if err := readBoundMember(f, r, labels, v.Field(f.index)); err != nil {
			return &boundError{f.name, err}
		}
	}
	return nil
}

func readBoundMember(f *field, r *Request, labels map[string]string, v reflect.Value) error {
	switch f.location {
	case inURI:
		if text, ok := labels[f.wire]; ok {
			return setText(&f.shape, v, text, timeISO8601)
		}
	case inQuery:
		return readQueryMember(&f.shape, f.wire, r.Query, v)
	case inHeader:
		if values := r.Header.Values(f.wire); len(values) > 0 {
			return readHeader(f, values, v)
		}
	case inHeaders:
		return readPrefixHeaders(&f.shape, f.wire, r.Header, v)
	}
	return nil
}

func readQueryMember(s *shape, name string, query url.Values, v reflect.Value) error {
	switch s.kind {
	case kindMap:
		m := reflect.MakeMap(v.Type())
		for key, values := range query {
			value := reflect.New(s.elem.typ).Elem()
			if err := readStrings(s.elem, values, value, timeISO8601); err != nil {
				return err
			}
			m.SetMapIndex(reflect.ValueOf(key).Convert(s.key.typ), value)
		}
		v.Set(m)
		return nil
	default:
		if values, ok := query[name]; ok {
			return readStrings(s, values, v, timeISO8601)
		}
		return nil
	}
}

func readStrings(s *shape, values []string, v reflect.Value, protocol timeFormat) error {
	if s.kind != kindList {
		if len(values) == 0 {
			return nil
		}
		return setText(s, v, values[0], protocol)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
	for i, text := range values {
		if err := setText(s.elem, v.Index(i), text, protocol); err != nil {
			return err
		}
	}
	return nil
}

func readHeader(f *field, values []string, v reflect.Value) error {
	switch {
	case f.shape.kind == kindList:
		return readStrings(&f.shape, splitHeader(values, f.shape.elem), v, timeRFC822)
	case f.jsonHeader:
		text, err := base64.StdEncoding.DecodeString(values[0])
		if err != nil {
			return err
		}
		return setText(&f.shape, v, string(text), timeRFC822)
	}
	return setText(&f.shape, v, strings.TrimSpace(values[0]), timeRFC822)
}

// splitHeader takes a list header apart at commas; dates have one of their own, strings may be quoted.
func splitHeader(values []string, item *shape) []string {
	var out []string
	for _, value := range values {
		parts := splitQuoted(value)
		if item.kind == kindTime && item.timeFormat(timeRFC822) == timeRFC822 {
			for i := 0; i+1 < len(parts); i += 2 {
				out = append(out, parts[i]+", "+parts[i+1])
			}
			continue
		}
		out = append(out, parts...)
	}
	return out
}

func splitQuoted(value string) []string {
	var out []string
	for {
		value = strings.TrimLeft(value, " \t")
		if strings.HasPrefix(value, `"`) {
			if text, rest, ok := unquote(value[1:]); ok {
				out = append(out, text)
				_, rest, more := strings.Cut(rest, ",")
				if !more {
					return out
				}
				value = rest
				continue
			}
		}
		part, rest, more := strings.Cut(value, ",")
		out = append(out, strings.TrimSpace(part))
		if !more {
			return out
		}
		value = rest
	}
}

func unquote(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}

func readPrefixHeaders(s *shape, prefix string, h http.Header, v reflect.Value) error {
	m := reflect.MakeMap(v.Type())
	prefix = textproto.CanonicalMIMEHeaderKey(prefix + "x")
	prefix = prefix[:len(prefix)-1]
	for name, values := range h {
		if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		value := reflect.New(s.elem.typ).Elem()
		if err := setText(s.elem, value, values[0], timeRFC822); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(strings.ToLower(name[len(prefix):])).Convert(s.key.typ), value)
	}
	if m.Len() > 0 {
		v.Set(m)
	}
	return nil
}

// readRawPayload reads a payload that is the body itself: a blob, a string or a stream. done is false for other payloads.
func readRawPayload(r *Request, f *field, v reflect.Value) (done bool) {
	switch f.shape.kind {
	case kindBody:
		if r.Stream != nil {
			v.Set(reflect.ValueOf(r.Stream))
		}
	case kindBlob:
		if len(r.Body) > 0 {
			v.SetBytes(append([]byte(nil), r.Body...))
		}
	case kindString:
		if len(r.Body) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			v.Elem().SetString(string(r.Body))
		}
	default:
		return false
	}
	return true
}

// writeBound writes the members that REST binds to status and headers.
func writeBound(r *Response, p *structure, v reflect.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if fv.IsNil() {
			continue
		}
		switch f.location {
		case inStatus:
			r.Status = int(fv.Elem().Int())
		case inHeader:
			writeHeader(r.Header, f, fv)
		case inHeaders:
			for _, key := range sortedKeys(fv) {
				// As it is, not in canonical form: clients take the rest of the name for the key.
				r.Header[f.wire+key.String()] = []string{plainText(f.shape.elem, fv.MapIndex(key), timeRFC822)}
			}
		}
	}
}

func writeHeader(h http.Header, f *field, v reflect.Value) {
	if f.shape.kind == kindList {
		var parts []string
		for i := range v.Len() {
			parts = append(parts, quoteIfNeeded(plainText(f.shape.elem, v.Index(i), timeRFC822), f.shape.elem.kind))
		}
		if len(parts) > 0 {
			h.Set(f.wire, strings.Join(parts, ", "))
		}
		return
	}
	text := plainText(&f.shape, v, timeRFC822)
	if f.jsonHeader {
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
	h.Set(f.wire, text)
}

func quoteIfNeeded(text string, k kind) string {
	if k != kindString || !strings.ContainsAny(text, `",`) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// writeRawPayload is the counterpart of readRawPayload.
func writeRawPayload(r *Response, f *field, v reflect.Value) (done bool) {
	if v.IsNil() {
		return f.shape.kind != kindStructure && f.shape.kind != kindDocument
	}
	switch f.shape.kind {
	case kindBody:
		body := v.Interface().(io.Reader)
		setDefault(r.Header, "application/octet-stream")
		r.Stream = func(_ context.Context, w io.Writer, _ func() error) error {
			if c, ok := body.(io.Closer); ok {
				defer c.Close()
			}
			_, err := io.Copy(w, body)
			return err
		}
	case kindBlob:
		setDefault(r.Header, "application/octet-stream")
		r.Body = append(r.Body, v.Bytes()...)
	case kindString:
		setDefault(r.Header, "text/plain")
		r.Body = append(r.Body, v.Elem().String()...)
	default:
		return false
	}
	return true
}

func setDefault(h http.Header, contentType string) {
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
}

// successStatus is the modeled status, else 200.
func successStatus(info *aws.OperationInfo) int {
	if info.Status != 0 {
		return info.Status
	}
	return http.StatusOK
}
