package http1

// Kind tells the fields apart that a proxy acts on.
type Kind uint8

const (
	Other Kind = iota
	Host
	ContentLength
	TransferEncoding
	Connection
	KeepAlive
	ProxyConnection
	TE
	Trailer
	Upgrade
	Expect
	Date
	Server
	ForwardedFor
	ForwardedProto
	ForwardedPort
	TraceID
	Cookie
	SetCookie
	MutualTLS // X-Amzn-Mtls-Clientcert and those that begin so, however their words are joined
	TLSInfo   // X-Amzn-Tls-Version and X-Amzn-Tls-Cipher-Suite, likewise
	// Lookalike is a field that some server might take for Content-Length or Transfer-Encoding though it is neither, such as
	// "Content_Length". It is never forwarded.
	Lookalike
)

// Field is one field line, as offsets into the message it was read from. Lines are contiguous: each ends where the next
// begins.
type Field struct {
	Line, nameEnd, value, valueEnd uint32
	Kind                           Kind
	Beyond                         bool // the value has octets beyond ASCII
	Invalid                        bool // the name is not [-A-Za-z0-9]+ (routing.http.drop_invalid_header_fields.enabled)
}

// Ordinary reports whether fields of this kind belong to the message rather than to the connection, so that a Connection
// field may name them for removal.
func (k Kind) Ordinary() bool { return k == Other || k == Cookie || k == SetCookie }

// kindOf classifies a field name. The length decides between at most three candidates.
func kindOf(name []byte) Kind {
	switch len(name) {
	case 2:
		return is(name, "te", TE)
	case 4:
		if lower(name[0]) == 'h' {
			return is(name, "host", Host)
		}
		return is(name, "date", Date)
	case 6:
		switch lower(name[0]) {
		case 'c':
			return is(name, "cookie", Cookie)
		case 's':
			return is(name, "server", Server)
		}
		return is(name, "expect", Expect)
	case 7:
		if lower(name[0]) == 'u' {
			return is(name, "upgrade", Upgrade)
		}
		return is(name, "trailer", Trailer)
	case 10:
		switch lower(name[0]) {
		case 'c':
			return is(name, "connection", Connection)
		case 's':
			return is(name, "set-cookie", SetCookie)
		}
		return is(name, "keep-alive", KeepAlive)
	case 14:
		return is(name, "content-length", ContentLength)
	case 15:
		switch lower(name[0]) {
		case 'x':
			if lower(name[2]) == 'a' {
				return is(name, "x-amzn-trace-id", TraceID)
			}
			return is(name, "x-forwarded-for", ForwardedFor)
		}
	case 16:
		if lower(name[0]) == 'p' {
			return is(name, "proxy-connection", ProxyConnection)
		}
		return is(name, "x-forwarded-port", ForwardedPort)
	case 17:
		if lower(name[0]) == 't' {
			return is(name, "transfer-encoding", TransferEncoding)
		}
		return is(name, "x-forwarded-proto", ForwardedProto)
	}
	return Other
}

func is(name []byte, s string, k Kind) Kind {
	if EqualFold(name, s) {
		return k
	}
	return Other
}

// isLookalike reports whether name, reduced to its letters, is the name of a framing field. Names that are exactly that have
// been recognised before.
func isLookalike(name []byte) bool {
	const length, encoding = "contentlength", "transferencoding"
	var letters [len(encoding)]byte
	n := 0
	for _, c := range name {
		if c = lower(c); 'a' <= c && c <= 'z' {
			if n == len(letters) {
				return false
			}
			letters[n] = c
			n++
		}
	}
	return string(letters[:n]) == length || string(letters[:n]) == encoding
}

// reserved is the kind of a name that only the load balancer may use. Programs behind it may take "_" for "-", so either counts.
func reserved(name []byte) Kind {
	switch {
	case len(name) >= len(mutual) && SameName(name[:len(mutual)], mutual):
		return MutualTLS
	case SameName(name, "x-amzn-tls-version"), SameName(name, "x-amzn-tls-cipher-suite"):
		return TLSInfo
	}
	return Other
}

const mutual = "x-amzn-mtls-clientcert"

// SameName compares field names in any ASCII case, with "_" and "-" being the same.
func SameName(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range b {
		if joined(b[i]) != joined(name[i]) {
			return false
		}
	}
	return true
}

func joined(c byte) byte {
	if c == '_' {
		return '-'
	}
	return lower(c)
}

// fields reads field lines from b[at:], which ends with the CRLF of the last line. It appends to into and returns it.
func fields(into []Field, b []byte, at int) ([]Field, error) {
	for at < len(b) {
		start := at
		plain := uint8(isPlain)
		for octets[b[at]]&isToken != 0 { // ends at the CRLF at the latest
			plain &= octets[b[at]]
			at++
		}
		nameEnd := at
		if b[at] != ':' || at == start {
			return into, errFieldName
		}
		at++
		for b[at] == ' ' || b[at] == '\t' {
			at++
		}
		value, seen := at, uint8(0)
		at = skipVisible(b, at)
		for octets[b[at]]&isValue != 0 {
			seen |= octets[b[at]]
			at++
		}
		if b[at] != '\r' || b[at+1] != '\n' {
			return into, errFieldValue
		}
		if at+2-start > MaxLine {
			return into, errLineTooLong
		}
		valueEnd := at
		for valueEnd > value && (b[valueEnd-1] == ' ' || b[valueEnd-1] == '\t') {
			valueEnd--
		}
		at += 2
		if len(into) == MaxFields {
			return into, errTooManyFields
		}
		name := b[start:nameEnd]
		kind := kindOf(name)
		if kind == Other && len(name) >= len("contentlength") {
			if isLookalike(name) {
				kind = Lookalike
			} else if lower(name[0]) == 'x' {
				kind = reserved(name)
			}
		}
		into = append(into, Field{uint32(start), uint32(nameEnd), uint32(value), uint32(valueEnd), kind, seen&isObs != 0, plain == 0})
	}
	return into, nil
}
