package proto

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// event is one message of an event stream.
type event struct {
	kind        string // its name in the model
	class       eventClass
	contentType string
	headers     []eventHeader
	payload     []byte
}

type eventClass uint8

const (
	plainEvent     eventClass = iota
	exceptionEvent            // an error the model of the stream has
	errorEvent                // any other; kind is its code, payload its message
)

type eventHeader struct{ name, value string }

// streamEvents answers with the event stream of out: first the rest of the output where the protocol sends it as an event
// of its own, then each event when it comes.
func streamEvents(p *structure, v reflect.Value, initial *event, svc *aws.Service) *Response {
	union := planOf(p.events.shape.typ.In(0).In(0).Elem(), svc)
	source, _ := v.Field(p.events.index).Interface().(eventSource)
	r := newResponse(http.StatusOK, "application/vnd.amazon.eventstream")
	r.Stream = func(_ context.Context, w io.Writer, flush func() error) error {
		send := func(e event) error {
			if _, err := w.Write(e.encode()); err != nil {
				return err
			}
			return flush()
		}
		if initial != nil {
			if err := send(*initial); err != nil {
				return err
			}
		}
		var failed error
		source.Each(func(item any, err error) bool {
			if err != nil {
				failed = errors.Join(err, send(failureEvent(err, union)))
				return false
			}
			failed = send(memberEvent(item, svc))
			return failed == nil
		})
		return failed
	}
	return r
}

// memberEvent is the event that a union of events holds.
func memberEvent(union any, svc *aws.Service) event {
	v := reflect.ValueOf(union).Elem()
	p := planOf(v.Type(), svc)
	for i := range p.fields {
		f := &p.fields[i]
		if fv := v.Field(f.index); !fv.IsNil() && f.shape.kind == kindStructure {
			return structureEvent(f.name, f.shape.structure, fv.Elem())
		}
	}
	return event{kind: "unknown", contentType: "application/json", payload: []byte("{}")}
}

func structureEvent(name string, p *structure, v reflect.Value) event {
	e := event{kind: name, contentType: "application/json"}
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if fv.IsNil() {
			continue
		}
		switch f.location {
		case inEventHeader:
			e.headers = append(e.headers, eventHeader{f.wire, plainText(&f.shape, fv, timeUnix)})
		case inEventPayload:
			switch f.shape.kind {
			case kindBlob:
				e.contentType, e.payload = "application/octet-stream", fv.Bytes()
			case kindString:
				e.contentType, e.payload = "text/plain", []byte(fv.Elem().String())
			default:
				e.payload = appendJSONValue(nil, &f.shape, fv)
			}
			return e
		}
	}
	e.payload = appendJSON(nil, p, v)
	return e
}

// failureEvent ends a stream with an error: as the exception that the stream's union has for it, else as a bare error.
func failureEvent(err error, union *structure) event {
	e, ok := errors.AsType[*awserr.Error](err)
	if !ok {
		return event{kind: "InternalFailure", class: errorEvent, payload: []byte("An internal error has occurred.")}
	}
	if union.byName[shapeName(e)] == nil {
		return event{kind: e.Code, class: errorEvent, payload: []byte(e.Message)}
	}
	payload := append(appendJSONString([]byte(`{"message":`), e.Message), '}')
	return event{kind: shapeName(e), class: exceptionEvent, contentType: "application/json", payload: payload}
}

const headerString = 7 // type of a string header value

// encode frames the event: lengths and their checksum, headers, payload, checksum of all.
func (e event) encode() []byte {
	var headers []eventHeader
	switch e.class {
	case plainEvent:
		headers = []eventHeader{{":message-type", "event"}, {":event-type", e.kind}, {":content-type", e.contentType}}
	case exceptionEvent:
		headers = []eventHeader{{":message-type", "exception"}, {":exception-type", e.kind}, {":content-type", e.contentType}}
	case errorEvent:
		headers = []eventHeader{{":message-type", "error"}, {":error-code", e.kind}, {":error-message", string(e.payload)}}
		e.payload = nil
	}
	headers = append(headers, e.headers...)
	var h []byte
	for _, x := range headers {
		h = append(append(h, byte(len(x.name))), x.name...)
		h = append(h, headerString)
		h = binary.BigEndian.AppendUint16(h, uint16(len(x.value)))
		h = append(h, x.value...)
	}
	const prelude, checksum = 12, 4
	b := make([]byte, 0, prelude+len(h)+len(e.payload)+checksum)
	b = binary.BigEndian.AppendUint32(b, uint32(cap(b)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, h...), e.payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
