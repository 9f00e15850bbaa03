package http1

import "bytes"

// Tier is how far a request strays from RFC 9112, in the words of Elastic Load Balancing's desync mitigation ("Desync
// mitigation mode"). Severe requests are not tiers: they are refused.
type Tier uint8

const (
	Compliant Tier = iota
	// Acceptable requests carry no known risk: fields beyond ASCII, Content-Length: 0 with GET, a minor version above 1.
	Acceptable
	// Ambiguous requests might be framed differently by another server. They are forwarded in normal form and both
	// connections are closed afterwards.
	Ambiguous
)

// Protocol is what a request came by. Parse leaves it at HTTP/1.1.
type Protocol uint8

const (
	ProtocolHTTP1 Protocol = iota
	ProtocolHTTP2
	ProtocolGRPC // by HTTP/2
)

// Framing is how the length of a body is told.
type Framing uint8

const (
	NoBody Framing = iota
	Sized
	Chunked
	UntilClose // responses only
)

// Request is a request head. Its byte slices point into the buffer given to Parse and are valid as long as that is.
type Request struct {
	Head   []byte // including the empty line
	Fields []Field

	Method []byte
	Target []byte // in origin or asterisk form, as it is to be forwarded
	Path   []byte // of Target, without the query
	Query  []byte // without "?"
	Host   []byte // Host field or, for absolute-form targets, the authority

	Protocol     Protocol
	Minor        uint8 // of HTTP/1.Minor: 0 or 1
	Framing      Framing
	Length       int64
	Tier         Tier
	Reason       Reason // of the tier
	KeepAlive    bool   // the client wants the connection to persist
	WebSocket    bool   // asks to upgrade to websocket
	Continue     bool   // expects 100-continue
	AbsoluteForm bool   // the target had an authority
	NewHost      bool   // Host replaces the Host field
	HasHost      bool
	ExtraOptions bool // Connection names further fields to remove
	InvalidNames bool // a field has Invalid set
	Idempotent   bool // by its method

	scanned int // octets of the buffer known to hold no end of head
}

// Name and Value are those of a field of this request.
func (r *Request) Name(f Field) []byte  { return r.Head[f.Line:f.nameEnd] }
func (r *Request) Value(f Field) []byte { return r.Head[f.value:f.valueEnd] }

// LineEnd is where the line of the i-th field ends, behind its CRLF.
func (r *Request) LineEnd(i int) uint32 {
	if i+1 < len(r.Fields) {
		return r.Fields[i+1].Line
	}
	return uint32(len(r.Head) - 2)
}

// Reset forgets the request and readies for the next one, keeping allocated memory.
func (r *Request) Reset() { *r = Request{Fields: r.Fields[:0]} }

// maxEmptyLines is how many empty lines may precede a request: clients of old sent one behind a body.
const maxEmptyLines = 8

// Parse reads a request head from the beginning of b. It returns the length of the head, or 0 when b holds only a part of
// one; call it again with more octets then, after the same ones. Errors are of type *Refusal.
//
// A few empty lines before the request line are part of the head (RFC 9112, section 2.2).
func (r *Request) Parse(b []byte) (int, error) {
	start := 0
	for start+1 < len(b) && b[start] == '\r' && b[start+1] == '\n' {
		if start += 2; start > 2*maxEmptyLines {
			return 0, errRequestLine
		}
	}
	end, err := headEnd(b, max(r.scanned, start), start)
	if end == 0 {
		r.scanned = max(len(b)-3, 0)
		return 0, err
	}
	r.Head = b[start:end]
	if err := r.parse(r.Head[:len(r.Head)-2]); err != nil {
		return 0, err
	}
	return end, nil
}

// headEnd finds the end of the head that begins at start, looking from from on. It returns 0 while there is none, and an
// error when none is to be expected any more.
func headEnd(b []byte, from, start int) (int, error) {
	if i := bytes.Index(b[from:], crlf2); i >= 0 {
		if end := from + i + 4; end-start <= MaxHead {
			return end, nil
		}
		return 0, errHeadTooLong
	}
	if len(b)-start > MaxHead {
		return 0, errHeadTooLong
	}
	for i := from; i < len(b); i++ {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			break
		}
		if i += j; i == start || b[i-1] != '\r' {
			return 0, errBareLF
		}
	}
	// A line that is already too long is not waited for.
	if len(b)-start > MaxLine {
		if last := bytes.LastIndexByte(b, '\n'); last < start {
			return 0, errURITooLong
		} else if len(b)-last > MaxLine {
			return 0, errLineTooLong
		}
	}
	return 0, nil
}

var crlf2 = []byte("\r\n\r\n")

// parse reads b, which ends with the CRLF of the last field line.
func (r *Request) parse(b []byte) error {
	at, err := r.requestLine(b)
	if err != nil {
		return err
	}
	if r.Fields, err = fields(r.Fields[:0], b, at); err != nil {
		return err
	}
	return r.interpret()
}

func (r *Request) requestLine(b []byte) (int, error) {
	at := 0
	for octets[b[at]]&isToken != 0 {
		at++
	}
	if at == 0 || b[at] != ' ' {
		return 0, errRequestLine
	}
	r.Method = b[:at]
	at++
	start := at
	seen := uint8(0)
	for octets[b[at]]&isTarget != 0 {
		seen |= octets[b[at]]
		at++
	}
	if at == start || b[at] != ' ' {
		return 0, errTarget
	}
	r.Target = b[start:at]
	if seen&isObs != 0 {
		r.classify(Ambiguous, AmbiguousURI)
	}
	at++
	if at > MaxLine {
		return 0, errURITooLong
	}
	if err := r.version(b[at:]); err != nil {
		return 0, err
	}
	at += len("HTTP/1.1\r\n")
	return at, r.target()
}

func (r *Request) version(b []byte) error {
	if len(b) < len("HTTP/1.1\r\n") || string(b[:5]) != "HTTP/" || b[6] != '.' || b[8] != '\r' || b[9] != '\n' ||
		!isDigit(b[5]) || !isDigit(b[7]) {
		return errVersion
	}
	if b[5] != '1' {
		return errVersionUnknown
	}
	if b[7] > '0' {
		r.Minor = 1
	}
	if b[7] > '1' {
		r.classify(Acceptable, NonCompliantVersion)
	}
	return nil
}

// target interprets the request target and brings it into the form in which it is forwarded.
func (r *Request) target() error {
	switch string(r.Method) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		r.Idempotent = true
	case "TRACE", "CONNECT":
		return errMethod
	}
	t := r.Target
	switch {
	case t[0] == '/':
	case len(t) == 1 && t[0] == '*' && string(r.Method) == "OPTIONS":
	default:
		rest, ok := cutScheme(t)
		if !ok {
			return errTarget
		}
		end := 0
		for end < len(rest) && octets[rest[end]]&isHost != 0 {
			end++
		}
		if end == 0 || end < len(rest) && rest[end] != '/' && rest[end] != '?' {
			return errTarget
		}
		r.Host, r.AbsoluteForm, r.NewHost = rest[:end], true, true
		switch t = rest[end:]; {
		case len(t) == 0:
			t = []byte{'/'}
		case t[0] == '?':
			t = append([]byte{'/'}, t...)
		}
		r.Target = t
	}
	r.split()
	return nil
}

// split finds path and query in the target.
func (r *Request) split() {
	t := r.Target
	r.Path, r.Query = t, nil
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		r.Path, r.Query = t[:i], t[i+1:]
	}
}

func cutScheme(t []byte) ([]byte, bool) {
	for _, s := range []string{"http://", "https://"} {
		if len(t) > len(s) && EqualFold(t[:len(s)], s) {
			return t[len(s):], true
		}
	}
	return nil, false
}

// interpret reads what the fields say about the host, the body and the connection.
func (r *Request) interpret() error {
	var f framing
	var connection connectionOptions
	websocket := false
	for _, field := range r.Fields {
		if field.Invalid {
			r.InvalidNames = true
		}
		if field.Beyond {
			r.classify(Acceptable, NonCompliantHeader)
		}
		switch field.Kind {
		case Other:
		case Host:
			if r.HasHost {
				return errHost
			}
			r.HasHost = true
			v := r.Value(field)
			for _, c := range v {
				if octets[c]&isHost == 0 {
					return errHost
				}
			}
			if !r.AbsoluteForm {
				r.Host = v
			}
		case ContentLength:
			if err := f.length(r.Value(field)); err != nil {
				return err
			}
		case TransferEncoding:
			if err := f.encoding(r.Value(field)); err != nil {
				return err
			}
		case Connection:
			connection.add(r.Value(field))
		case Upgrade:
			websocket = EqualFold(r.Value(field), "websocket")
		case Expect:
			r.Continue = r.Minor == 1 && EqualFold(r.Value(field), "100-continue")
		case Lookalike:
			r.classify(Ambiguous, SuspiciousHeader)
		}
	}
	if !r.HasHost && r.Minor == 1 {
		return errHost
	}
	r.KeepAlive = connection.persists(r.Minor)
	r.ExtraOptions = connection.extra
	return r.frame(f, connection.upgrade && websocket)
}

func (r *Request) frame(f framing, websocket bool) error {
	bodiless := string(r.Method) == "GET" || string(r.Method) == "HEAD"
	switch {
	case f.chunked && r.Minor == 0:
		return errEncodings // RFC 9112, section 6.1: faulty framing
	case f.chunked:
		r.Framing = Chunked
		if bodiless {
			r.classify(Ambiguous, UndefinedTransferEncoding)
		}
		if f.lengths > 0 {
			r.classify(Ambiguous, BothLengths)
		}
	case f.lengths > 0 && f.size > 0:
		r.Framing, r.Length = Sized, f.size
		if bodiless {
			r.classify(Ambiguous, UndefinedContentLength)
		}
	case f.lengths > 0 && bodiless:
		r.classify(Acceptable, ZeroContentLength)
	}
	if f.lengths > 1 {
		r.classify(Ambiguous, DuplicateContentLength)
	}
	if f.identity {
		r.classify(Ambiguous, UndefinedTransferEncoding)
	}
	r.WebSocket = websocket && r.Minor == 1 && r.Framing == NoBody && string(r.Method) == "GET"
	r.Continue = r.Continue && r.Framing != NoBody
	return nil
}

// Announced reports whether the request told the length of a body, even of an empty one.
func (r *Request) Announced() bool {
	for _, f := range r.Fields {
		if f.Kind == ContentLength {
			return true
		}
	}
	return false
}

// NamedByConnection reports whether a Connection field names the field called name, which then must not be forwarded.
func (r *Request) NamedByConnection(name []byte) bool {
	for _, f := range r.Fields {
		if f.Kind == Connection && hasOption(r.Value(f), name) {
			return true
		}
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
