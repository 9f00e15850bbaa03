package proto

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		text   string
		format timeFormat
		want   time.Time
		back   string
	}{
		{"1785585600", timeUnix, time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), "1785585600"},
		{"1785585600.25", timeUnix, time.Date(2026, 8, 1, 12, 0, 0, 250e6, time.UTC), "1785585600.25"},
		{"1785585600.001", timeUnix, time.Date(2026, 8, 1, 12, 0, 0, 1e6, time.UTC), "1785585600.001"},
		{"-1.5", timeUnix, time.Unix(-2, 500e6).UTC(), "-1.5"},
		{"-0.5", timeUnix, time.Unix(-1, 500e6).UTC(), "-0.5"},
		{"1.7855856E9", timeUnix, time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), "1785585600"},
		{"2026-08-01T12:00:00Z", timeISO8601, time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), "2026-08-01T12:00:00Z"},
		{"2026-08-01T14:00:00.5+02:00", timeISO8601, time.Date(2026, 8, 1, 12, 0, 0, 500e6, time.UTC), "2026-08-01T12:00:00.500Z"},
		{"2026-08-01", timeISO8601, time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), "2026-08-01T00:00:00Z"},
		{"Sat, 01 Aug 2026 12:00:00 GMT", timeRFC822, time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC), "Sat, 01 Aug 2026 12:00:00 GMT"},
	} {
		got, err := parseTime(tt.text, tt.format)
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("%s: %v %v, want %v", tt.text, got, err, tt.want)
			continue
		}
		if back := string(appendTime(nil, got, tt.format)); back != tt.back {
			t.Errorf("%s came back as %s", tt.text, back)
		}
	}
	for _, tt := range []struct {
		text   string
		format timeFormat
	}{
		{"", timeUnix},
		{"x", timeUnix},
		{"1.-5", timeUnix},
		{"1e99", timeUnix},
		{"999999999999", timeUnix},
		{"NaN", timeUnix},
		{"", timeISO8601},
		{"2026-13-01T00:00:00Z", timeISO8601},
		{"noon", timeRFC822},
	} {
		if got, err := parseTime(tt.text, tt.format); err == nil {
			t.Errorf("%q is %v", tt.text, got)
		}
	}
}
