package proto

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const iso8601 = "2006-01-02T15:04:05Z"

var errTime = errors.New("not a timestamp")

// appendTime writes t in one of the wire's formats, to the millisecond as AWS does, without quotes.
func appendTime(b []byte, t time.Time, format timeFormat) []byte {
	t = t.UTC()
	ms := t.Nanosecond() / int(time.Millisecond)
	switch format {
	case timeUnix:
		return appendEpoch(b, t.UnixMilli())
	case timeRFC822:
		return t.AppendFormat(b, http.TimeFormat)
	default:
		if ms == 0 {
			return t.AppendFormat(b, iso8601)
		}
		return t.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
}

func appendEpoch(b []byte, ms int64) []byte {
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

func parseTime(s string, format timeFormat) (time.Time, error) {
	switch format {
	case timeUnix:
		return parseEpoch(s)
	case timeRFC822:
		for _, layout := range []string{http.TimeFormat, "Mon, 02 Jan 2006 15:04:05.999 GMT", time.RFC1123Z} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), nil
			}
		}
		return time.Time{}, errTime
	default:
		return parseISO8601(s)
	}
}

// parseISO8601 reads what AWS's clients send: with or without fraction, with Z or an offset, or a plain date.
func parseISO8601(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errTime
}

func parseEpoch(s string) (time.Time, error) {
	if whole, fraction, _ := strings.Cut(s, "."); len(fraction) == 0 || !strings.ContainsAny(s, "eE") && len(fraction) <= 9 {
		seconds, err := strconv.ParseInt(whole, 10, 64)
		nanos, ferr := parseFraction(fraction)
		if err == nil && ferr == nil && inYears(float64(seconds)) {
			if strings.HasPrefix(whole, "-") {
				nanos = -nanos
			}
			return time.Unix(seconds, nanos).UTC(), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, errTime
	}
	return epoch(f)
}

func parseFraction(digits string) (int64, error) {
	if digits == "" {
		return 0, nil
	}
	if digits[0] == '-' || digits[0] == '+' {
		return 0, errTime
	}
	return strconv.ParseInt((digits + "000000000")[:9], 10, 64)
}

func epoch(seconds float64) (time.Time, error) {
	if !inYears(seconds) {
		return time.Time{}, errTime
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e3))*int64(time.Millisecond)).UTC(), nil
}

// inYears keeps times within what the text formats can write: the years 1 to 9999.
func inYears(seconds float64) bool { return seconds >= -62135596800 && seconds <= 253402300799 }
