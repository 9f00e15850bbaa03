package proxy

import (
	"bytes"
	"math/rand/v2"

	"github.com/neargate/neargate/internal/edge/http1"
)

// traceRewrite is the size of a head above which a trace id is started afresh ("Request tracing: Limitations").
const traceRewrite = 7 << 10

// appendTrace appends the X-Amzn-Trace-Id line: a Root of our own, or a Self before what the request brought.
func appendTrace(b []byte, r *http1.Request, unix int64) []byte {
	b = append(b, "X-Amzn-Trace-Id: "...)
	for _, f := range r.Fields {
		if f.Kind != http1.TraceID || len(r.Head) > traceRewrite {
			continue
		}
		v := r.Value(f)
		if bytes.Contains(v, rootField) {
			b = appendTraceID(append(b, "Self="...), unix)
			for len(v) > 0 {
				var field []byte
				field, v, _ = bytes.Cut(v, semicolon)
				if field = bytes.TrimSpace(field); len(field) > 0 && !bytes.HasPrefix(field, selfField) {
					b = append(append(b, ';'), field...)
				}
			}
			return append(b, "\r\n"...)
		}
		b = appendTraceID(append(b, "Root="...), unix)
		if len(v) > 0 {
			b = append(append(b, ';'), v...)
		}
		return append(b, "\r\n"...)
	}
	b = appendTraceID(append(b, "Root="...), unix)
	return append(b, "\r\n"...)
}

var rootField, selfField, semicolon = []byte("Root="), []byte("Self="), []byte{';'}

// appendTraceID appends version 1, the time and 96 random bits.
func appendTraceID(b []byte, unix int64) []byte {
	b = appendHex(append(b, "1-"...), uint64(unix), 8)
	b = append(b, '-')
	b = appendHex(b, rand.Uint64(), 16)
	return appendHex(b, rand.Uint64(), 8)
}

func appendHex(b []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := (digits - 1) * 4; shift >= 0; shift -= 4 {
		b = append(b, hex[v>>shift&15])
	}
	return b
}
