package rules

// pattern is a value of a condition: literal octets, or octets with wildcards.
type pattern struct {
	ops  []op
	fold bool
	wild bool
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
		p.wild = p.wild || kind != literal
		p.ops = append(p.ops, op{c, kind})
	}
	return p
}

// match is linear for literals and at worst len(b)·len(ops) for wildcards: a star is only ever retried at the last one.
func (p *pattern) match(b []byte) bool {
	if !p.wild && len(b) != len(p.ops) {
		return false
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
