package rules

// pattern is a value of a condition: literal octets, perhaps with wildcards after them. With fold, octets are lower case and
// what they are compared with is folded.
type pattern struct {
	prefix string // up to the first wildcard
	ops    []op   // from there on
	fold   bool
}

// op matches one octet, or for any, a run of them.
type op struct {
	octet byte
	kind  opKind
}

type opKind uint8

const (
	literal opKind = iota
	one            // ?
	any            // *
)

// newPattern compiles s. With escapes, a backslash makes the wildcard after it literal, as "QueryStringConditionConfig" and
// "HttpHeaderConditionConfig" in the API reference have it.
func newPattern(s string, fold, escapes bool) pattern {
	p := pattern{fold: fold}
	for i := 0; i < len(s); i++ {
		c, kind := s[i], literal
		switch {
		case escapes && c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			c = s[i]
		case c == '*':
			kind = any
		case c == '?':
			kind = one
		}
		if fold {
			c = lower(c)
		}
		if kind == literal && len(p.ops) == 0 {
			p.prefix += string([]byte{c})
		} else {
			p.ops = append(p.ops, op{c, kind})
		}
	}
	return p
}

// match is linear for literals and at worst len(b)·len(ops) for wildcards: a star is only ever retried at the last one.
func (p *pattern) match(b []byte) bool {
	if !p.begins(b) {
		return false
	}
	if b = b[len(p.prefix):]; len(p.ops) == 0 {
		return len(b) == 0
	}
	i, j, star, mark := 0, 0, -1, 0
	for i < len(b) {
		switch {
		case j < len(p.ops) && p.ops[j].kind == any:
			star, mark = j, i
			j++
		case j < len(p.ops) && p.one(p.ops[j], b[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p.ops) && p.ops[j].kind == any {
		j++
	}
	return j == len(p.ops)
}

func (p *pattern) empty() bool { return p.prefix == "" && len(p.ops) == 0 }

func (p *pattern) begins(b []byte) bool {
	if len(b) < len(p.prefix) {
		return false
	}
	if !p.fold {
		return string(b[:len(p.prefix)]) == p.prefix
	}
	for i := range len(p.prefix) {
		if lower(b[i]) != p.prefix[i] {
			return false
		}
	}
	return true
}

func (p *pattern) one(o op, c byte) bool {
	if o.kind == one {
		return true
	}
	if p.fold {
		c = lower(c)
	}
	return o.octet == c
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
