package proto

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// pattern is a constraint of the model, compiled when it is first needed. AWS matches it against the whole value.
type pattern struct {
	source string
	once   sync.Once
	re     *regexp.Regexp // nil: not expressible here, nothing is refused by it
}

func newPattern(source string) *pattern { return &pattern{source: source} }

func (p *pattern) matches(s string) bool {
	p.once.Do(func() { p.re, _ = compilePattern(p.source) })
	return p.re == nil || p.re.MatchString(s)
}

func compilePattern(source string) (*regexp.Regexp, error) {
	return regexp.Compile(`^(?:` + translatePattern(withoutLookahead(source)) + `)$`)
}

// noHyphen is the one use of a lookahead that can be said without: before a class that ends in a hyphen, repeated so many times, and
// a class without one that has to be there.
var noHyphen = regexp.MustCompile(`\(\?!-\)\[((?:\w-\w)+)-\]\{(\d+),(\d+)\}(\[(?:\w-\w)+\](?:[^*?{]|$))`)

// withoutLookahead has the first of the repetitions be of the class without the hyphen, because Go's regexp knows no lookahead. Where
// there may be none, the class behind comes first, and takes no hyphen anyway.
func withoutLookahead(source string) string {
	return noHyphen.ReplaceAllStringFunc(source, func(s string) string {
		m := noHyphen.FindStringSubmatch(s)
		low, lowErr := strconv.Atoi(m[2])
		high, highErr := strconv.Atoi(m[3])
		if lowErr != nil || highErr != nil || high == 0 {
			return s
		}
		rest := "[" + m[1] + "][" + m[1] + "-]{" + strconv.Itoa(max(low-1, 0)) + "," + strconv.Itoa(high-1) + "}"
		if low == 0 {
			rest = "(?:" + rest + ")?"
		}
		return rest + m[4]
	})
}

// maxRepeat is the largest repetition count Go's regexp takes.
const maxRepeat = 1000

// translatePattern turns the Java dialect of the models into Go's: \uXXXX becomes \x{XXXX}, and repetition counts that Go
// does not take lose their upper bound, which the model's length constraint states as well.
func translatePattern(source string) string {
	var b strings.Builder
	for i := 0; i < len(source); i++ {
		rest := source[i:]
		switch {
		case strings.HasPrefix(rest, `\u`) && len(rest) >= 6:
			digits, n := rest[2:6], 6
			// "\u10000-" in the models means U+10000: take a fifth and sixth digit where a range goes on.
			for n < len(rest) && n < 8 && isHex(rest[n]) && strings.HasPrefix(digits, "10") {
				n++
				digits = rest[2:n]
			}
			b.WriteString(`\x{` + digits + `}`)
			i += n - 1
		case rest[0] == '\\' && len(rest) >= 2:
			b.WriteString(rest[:2])
			i++
		case rest[0] == '{':
			if end := strings.IndexByte(rest, '}'); end > 0 {
				b.WriteString(boundedRepeat(rest[1:end]))
				i += end
				continue
			}
			b.WriteByte('{')
		default:
			b.WriteByte(rest[0])
		}
	}
	return b.String()
}

func boundedRepeat(body string) string {
	low, high, ranged := strings.Cut(body, ",")
	l, err := strconv.Atoi(low)
	if err != nil {
		return "{" + body + "}" // not a repetition: \p{L}
	}
	h, herr := strconv.Atoi(high)
	if l <= maxRepeat && (!ranged || herr != nil || h <= maxRepeat) {
		return "{" + body + "}"
	}
	return "{" + strconv.Itoa(min(l, maxRepeat)) + ",}"
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
