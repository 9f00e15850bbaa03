package accesslog

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Layouts of times.
const (
	wholeSeconds = "2006-01-02T15:04:05Z"
	noZone       = "2006-01-02T15:04:05"
)

// appendTime appends ISO 8601 to the microsecond. It is written by hand: time's formatter costs as much as all else of a line.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, '-')
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(digits(b, year, 4), '-')
	b = append(digits(b, int(month), 2), '-')
	b = append(digits(b, day, 2), 'T')
	b = append(digits(b, hour, 2), ':')
	b = append(digits(b, minute, 2), ':')
	b = append(digits(b, second, 2), '.')
	return append(digits(b, t.Nanosecond()/1000, 6), 'Z')
}

func digits(b []byte, n, width int) []byte {
	start := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; i >= start; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// seconds appends a duration in seconds, to the millisecond.
func seconds(b []byte, d time.Duration) []byte {
	if d < 0 {
		return append(b, "-1"...)
	}
	ms := d.Milliseconds()
	return digits(append(integer(b, ms/1000), '.'), int(ms%1000), 3)
}

func integer(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

// code appends a status, "-" for none.
func code(b []byte, status int) []byte {
	if status == 0 {
		return append(b, '-')
	}
	return integer(b, int64(status))
}

func priority(b []byte, p int) []byte {
	if p == NoRule {
		return append(b, '-')
	}
	return integer(b, int64(p))
}

func address(b []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(b, '-')
	}
	return a.AppendTo(b)
}

// word appends a field that stands without quotes: a space would end it.
func word(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	for {
		before, after, more := strings.Cut(s, " ")
		b = escape(b, before)
		if !more {
			return b
		}
		b, s = append(b, `\x20`...), after
	}
}

func orDash[T string | []byte](b []byte, s T) []byte {
	if len(s) == 0 {
		return append(b, '-')
	}
	return escape(b, s)
}

// quoted appends a field that stands in quotes.
func quoted[T string | []byte](b []byte, s T) []byte {
	return append(orDash(append(b, '"'), s), '"')
}

// escape writes quotes, backslashes and all that is not printable ASCII as \x and two hex digits, as ELB does: no client can
// forge a field or a line.
func escape[T string | []byte](b []byte, s T) []byte {
	const hex = "0123456789ABCDEF"
	start := 0
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' || c < ' ' || c > '~' {
			b = append(append(b, s[start:i]...), '\\', 'x', hex[c>>4], hex[c&15])
			start = i + 1
		}
	}
	return append(b, s[start:]...)
}
