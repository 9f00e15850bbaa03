package http1

// Limits of a request, from "Quotas for your Application Load Balancers: HTTP headers". MaxFields is ours: it bounds the
// memory a request head can claim.
const (
	MaxLine         = 16 << 10
	MaxHead         = 64 << 10
	MaxResponseHead = 32 << 10
	MaxFields       = 1000
	maxTrailers     = 8 << 10
)

// Refusal says why a message is not accepted and which status answers a request refused so. Severe is the reason of those
// that Elastic Load Balancing classifies as Severe, and empty for the others.
type Refusal struct {
	Status int
	Reason string
	Severe Reason
}

func (r *Refusal) Error() string { return r.Reason }

var (
	errRequestLine    = &Refusal{400, "malformed request line", BadMethod}
	errTarget         = &Refusal{400, "malformed request target", BadURI}
	errVersion        = &Refusal{400, "malformed version", BadVersion}
	errVersionUnknown = &Refusal{505, "unsupported version", BadVersion}
	errMethod         = &Refusal{405, "method not allowed", ""}
	errURITooLong     = &Refusal{414, "request line too long", ""}
	errLineTooLong    = &Refusal{400, "field line too long", ""}
	errHeadTooLong    = &Refusal{400, "head too long", ""}
	errTooManyFields  = &Refusal{400, "too many fields", ""}
	errBareLF         = &Refusal{400, "line feed without carriage return", BadHeader}
	errFieldName      = &Refusal{400, "malformed field name", BadHeader}
	errFieldValue     = &Refusal{400, "malformed field value", BadHeader}
	errHost           = &Refusal{400, "missing, repeated or malformed host", ""}
	errLength         = &Refusal{400, "malformed content length", BadContentLength}
	errLengths        = &Refusal{400, "different content lengths", MultipleContentLength}
	errEncodings      = &Refusal{400, "repeated or malformed transfer encoding", BadTransferEncoding}
	errEncoding       = &Refusal{501, "unsupported transfer encoding", BadTransferEncoding}
	errChunk          = &Refusal{400, "malformed chunk", BadTransferEncoding}
	errTrailer        = &Refusal{400, "malformed trailer", BadHeader}
	errStatusLine     = &Refusal{502, "malformed status line", ""}
)
