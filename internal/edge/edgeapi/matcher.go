package edgeapi

import (
	"fmt"
	"strconv"
	"strings"
)

// Matcher is a parsed set of status codes.
type Matcher []codeRange

type codeRange struct{ from, to int }

// ParseMatcher reads HTTP status codes and ranges of them separated by commas: "200", "200,202", "200-299,301".
func ParseMatcher(s string) (Matcher, error) { return parseMatcher(s, 100, 599) }

// ParseMatcherFor reads the codes of a protocol version: those of gRPC are 0 to 99.
func ParseMatcherFor(version, s string) (Matcher, error) {
	if version == VersionGRPC {
		return parseMatcher(s, 0, 99)
	}
	return ParseMatcher(s)
}

func parseMatcher(s string, least, most int) (Matcher, error) {
	var m Matcher
	for part := range strings.SplitSeq(s, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || a < least || b > most || a > b {
			return nil, fmt.Errorf("matcher %q: bad code or range %q", s, part)
		}
		m = append(m, codeRange{a, b})
	}
	return m, nil
}

// Match reports whether code is in the set.
func (m Matcher) Match(code int) bool {
	for _, r := range m {
		if r.from <= code && code <= r.to {
			return true
		}
	}
	return false
}
