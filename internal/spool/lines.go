package spool

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// Copy appends everything that src delivers to w, one record per line, until src ends. A line without a newline is written when
// src ends, or when it has reached MaxLine. Errors of the spool do not stop the copy: an unread pipe would stop the container.
func (w *Writer) Copy(s Stream, src io.Reader) error {
	var (
		buf     = make([]byte, 16<<10)
		n       int
		records []Record
		lost    error
	)
	for {
		m, err := src.Read(buf[n:])
		now := time.Now()
		n += m
		rest := buf[:n]
		records = records[:0]
		for {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				break
			}
			records = append(records, Record{Time: now, Stream: s, Line: bytes.TrimSuffix(rest[:i], []byte{'\r'})})
			rest = rest[i+1:]
		}
		switch {
		case err != nil && len(rest) > 0:
			records = append(records, Record{Time: now, Stream: s, Line: rest})
			rest = nil
		case len(rest) == MaxLine:
			records = append(records, Record{Time: now, Stream: s, Partial: true, Line: rest})
			rest = nil
		}
		if len(records) > 0 {
			if e := w.Append(records...); e != nil {
				lost = e
			}
		}
		n = copy(buf, rest)
		switch {
		case n == len(buf): // a long line: make room for more of it
			buf = append(make([]byte, 0, min(2*len(buf), MaxLine)), buf[:n]...)[:min(2*len(buf), MaxLine)]
		case n == 0 && len(buf) > 64<<10:
			buf = make([]byte, 16<<10)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, lost)
		}
	}
}
