package proto

import (
	"fmt"
	"strconv"
	"strings"
)

type location uint8

const (
	inBody location = iota
	inURI
	inQuery
	inHeader
	inHeaders
	inStatus
	inPayload
	inEventHeader
	inEventPayload
)

var locations = map[string]location{
	"uri": inURI, "query": inQuery, "header": inHeader, "headers": inHeaders, "status": inStatus, "payload": inPayload,
	"eventheader": inEventHeader, "eventpayload": inEventPayload,
}

type timeFormat uint8

const (
	timeDefault timeFormat = iota
	timeISO8601
	timeRFC822
	timeUnix
)

var timeFormats = map[string]timeFormat{"iso8601": timeISO8601, "rfc822": timeRFC822, "unixTimestamp": timeUnix}

// parseTag reads a member's tag into f and the shapes of its value. The grammar is in doc.go.
func (f *field) parseTag(tag string) error {
	words := strings.Split(tag, " ")
	f.name, f.wire = words[0], words[0]
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "required":
			f.required = true
		case "wire":
			f.wire = value
		case "query":
			f.ec2 = value
		case "in":
			place, ok := locations[value]
			if !ok {
				return fmt.Errorf("member %s: unknown place %q", f.name, value)
			}
			f.location = place
		case "attr":
			f.attribute = true
		case "token": // filled in by clients
		case "json":
			f.jsonHeader = true
		default:
			if err := f.shape.setTrait(key, value); err != nil {
				return fmt.Errorf("member %s: %w", f.name, err)
			}
		}
	}
	if f.ec2 == "" {
		f.ec2 = strings.ToUpper(f.wire[:1]) + f.wire[1:]
	}
	return nil
}

func (s *shape) setTrait(key, value string) error {
	if part, rest, ok := strings.Cut(key, "."); ok {
		inner := s.part(part)
		if inner == nil {
			return fmt.Errorf("%s has no %q", s.kind, part)
		}
		return inner.setTrait(rest, value)
	}
	switch key {
	case "min", "max":
		bound, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if key == "min" {
			s.min = &bound
		} else {
			s.max = &bound
		}
	case "pattern":
		s.pattern = newPattern(strings.ReplaceAll(value, "␣", " "))
	case "enum":
		s.enum = value
	case "item":
		s.itemName = value
	case "key":
		s.keyName = value
	case "value":
		s.valueName = value
	case "flat":
		s.flat = true
	case "time":
		format, ok := timeFormats[value]
		if !ok {
			return fmt.Errorf("unknown time format %q", value)
		}
		s.time = format
	case "ns":
		s.namespace = value
	case "nsprefix":
		s.nsPrefix = value
	case "union":
		s.union = true
	case "sensitive":
		s.sensitive = true
	case "stream":
	default:
		return fmt.Errorf("unknown option %q", key)
	}
	return nil
}

// part is the shape that "item.", "key." or "value." of a tag speaks about.
func (s *shape) part(name string) *shape {
	switch {
	case s.kind == kindList && name == "item", s.kind == kindMap && name == "value":
		return s.elem
	case s.kind == kindMap && name == "key":
		return s.key
	}
	return nil
}
