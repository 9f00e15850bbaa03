package http1

import "bytes"

// Response is a response head. Its byte slices point into the buffer given to Parse.
type Response struct {
	Head   []byte // including the empty line
	Fields []Field

	Status    int
	Reason    []byte
	Minor     uint8
	Framing   Framing
	Length    int64 // of Sized bodies; with NoBody, what Content-Length announced
	KeepAlive bool  // the target lets the connection persist
	HasLength bool
	HasDate   bool

	ExtraOptions bool // Connection names further fields to remove

	scanned int
}

// Name and Value are those of a field of this response.
func (r *Response) Name(f Field) []byte  { return r.Head[f.Line:f.nameEnd] }
func (r *Response) Value(f Field) []byte { return r.Head[f.value:f.valueEnd] }

// LineEnd is where the line of the field with index i ends.
func (r *Response) LineEnd(i int) uint32 {
	if i+1 < len(r.Fields) {
		return r.Fields[i+1].Line
	}
	return uint32(len(r.Head) - 2)
}

// Reset forgets the response, keeping allocated memory.
func (r *Response) Reset() { *r = Response{Fields: r.Fields[:0]} }

// Parse reads a response head from the beginning of b, like Request.Parse. head tells whether it answers a HEAD request.
func (r *Response) Parse(b []byte, head bool) (int, error) {
	i := bytes.Index(b[min(r.scanned, len(b)):], crlf2)
	if i < 0 {
		if len(b) >= MaxResponseHead {
			return 0, errHeadTooLong
		}
		r.scanned = max(len(b)-3, 0)
		return 0, nil
	}
	end := r.scanned + i + 4
	if end > MaxResponseHead {
		return 0, errHeadTooLong
	}
	r.Head = b[:end]
	at, err := r.statusLine(b[:end-2])
	if err != nil {
		return 0, err
	}
	if r.Fields, err = fields(r.Fields[:0], b[:end-2], at); err != nil {
		return 0, err
	}
	if err := r.interpret(head); err != nil {
		return 0, err
	}
	return end, nil
}

// statusLine reads "HTTP/1.x SP 3DIGIT [SP [reason]] CRLF". The space before an absent reason is left out by too many
// servers to insist on.
func (r *Response) statusLine(b []byte) (int, error) {
	if len(b) < len("HTTP/1.1 200\r\n") || string(b[:7]) != "HTTP/1." || !isDigit(b[7]) || b[8] != ' ' ||
		!isDigit(b[9]) || !isDigit(b[10]) || !isDigit(b[11]) {
		return 0, errStatusLine
	}
	if b[7] > '0' {
		r.Minor = 1
	}
	r.Status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	at := 12
	if r.Status < 100 || r.Status > 599 || b[at] != ' ' && b[at] != '\r' {
		return 0, errStatusLine
	}
	if b[at] == ' ' {
		at++
	}
	start := at
	for octets[b[at]]&isValue != 0 {
		at++
	}
	if b[at] != '\r' || b[at+1] != '\n' {
		return 0, errStatusLine
	}
	r.Reason = b[start:at]
	return at + 2, nil
}

func (r *Response) interpret(head bool) error {
	var f framing
	var connection connectionOptions
	for _, field := range r.Fields {
		switch field.Kind {
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
		case Date:
			r.HasDate = true
		}
	}
	r.KeepAlive, r.ExtraOptions = connection.persists(r.Minor), connection.extra
	r.HasLength, r.Length = f.lengths > 0 && !f.chunked, f.size
	switch {
	case head || r.Status < 200 || r.Status == 204 || r.Status == 304:
		r.Framing = NoBody
	case f.chunked && r.Minor == 0:
		return errEncodings
	case f.chunked:
		r.Framing = Chunked
		if f.lengths > 0 {
			r.KeepAlive = false
		}
	case f.lengths > 0:
		r.Framing = Sized
		if r.Length == 0 {
			r.Framing = NoBody
		}
	default:
		r.Framing, r.KeepAlive = UntilClose, false
	}
	return nil
}

// NamedByConnection reports whether a Connection field names the field called name.
func (r *Response) NamedByConnection(name []byte) bool {
	for _, f := range r.Fields {
		if f.Kind == Connection && hasOption(r.Value(f), name) {
			return true
		}
	}
	return false
}
