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

// Refusal says why a message is not accepted and which status answers a request refused so.
type Refusal struct {
	Status int
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

var (
	errRequestLine    = &Refusal{400, "malformed request line"}
	errTarget         = &Refusal{400, "malformed request target"}
	errVersion        = &Refusal{400, "malformed version"}
	errVersionUnknown = &Refusal{505, "unsupported version"}
	errMethod         = &Refusal{405, "method not allowed"}
	errURITooLong     = &Refusal{414, "request line too long"}
	errLineTooLong    = &Refusal{400, "field line too long"}
	errHeadTooLong    = &Refusal{400, "head too long"}
	errTooManyFields  = &Refusal{400, "too many fields"}
	errBareLF         = &Refusal{400, "line feed without carriage return"}
	errFieldName      = &Refusal{400, "malformed field name"}
	errFieldValue     = &Refusal{400, "malformed field value"}
	errHost           = &Refusal{400, "missing, repeated or malformed host"}
	errLength         = &Refusal{400, "malformed content length"}
	errLengths        = &Refusal{400, "different content lengths"}
	errEncodings      = &Refusal{400, "repeated or malformed transfer encoding"}
	errEncoding       = &Refusal{501, "unsupported transfer encoding"}
	errChunk          = &Refusal{400, "malformed chunk"}
	errTrailer        = &Refusal{400, "malformed trailer"}
	errStatusLine     = &Refusal{502, "malformed status line"}
)
