package accesslog

import (
	"net/netip"
	"time"
)

// Line is one line of a log.
type Line interface {
	// AppendLine appends the line without its newline.
	AppendLine(b []byte) []byte
}

// Values of Entry.Type.
const (
	TypeHTTP  = "http"
	TypeHTTPS = "https"
	TypeH2    = "h2"
	TypeGRPCS = "grpcs"
	TypeWS    = "ws"
	TypeWSS   = "wss"
)

// NotApplicable is a time that could not be measured: -1 in the log.
const NotApplicable time.Duration = -1

// RuleError is the priority of a request whose rules could not be evaluated.
const RuleError = -1

// NoRule is the priority of a request that ended before its rules were evaluated.
const NoRule = -2

// maxAgent is where a User-Agent is cut.
const maxAgent = 8 << 10

// Entry is one request as an Application Load Balancer logs it ("Access log entries"). Empty strings, zero addresses and zero
// codes are logged as "-". The octets are the caller's: nothing is kept once the entry is written.
type Entry struct {
	Type         string
	Time         time.Time      // when the answer was made; of WebSockets, when the connection was closed
	LoadBalancer string         // app/name/id
	Client       netip.AddrPort // the peer, whatever it says of itself
	Target       netip.AddrPort // zero: none was reached

	// NotApplicable, each of them, where the target did not answer or the client went away.
	RequestTime  time.Duration // from request received to its being sent to the target
	TargetTime   time.Duration // from then to the target's response head
	ResponseTime time.Duration // from then to the response being sent to the client

	Status       int // of the load balancer's answer
	TargetStatus int
	Received     int64 // octets from the client, heads and frames included
	Sent         int64

	// The request line. Of a request that could not be read Method, URI and Protocol may be empty.
	Method   []byte
	Scheme   string // http, https, ws or wss
	Host     []byte // without port; of requests without one, the load balancer's DNS name
	Port     uint16 // the listener's
	URI      []byte // path and query as the client sent them
	Protocol string // HTTP/1.1

	UserAgent   []byte
	Cipher      string // as OpenSSL names it: ECDHE-RSA-AES128-GCM-SHA256
	TLSProtocol string // TLSv1.2
	TargetGroup string // ARN
	Trace       []byte // contents of X-Amzn-Trace-Id
	ServerName  string // of the client's SNI
	Certificate string // ARN of the one presented

	Priority    int       // 1–50000, 0 for the default rule, RuleError or NoRule
	Created     time.Time // when the request was received
	Actions     string    // that were taken, separated by commas: "forward", "redirect", "fixed-response"
	RedirectURL string
	ErrorReason string // "Error reason codes"

	// Targets and TargetStatuses list what was tried; nil means the one of Target and TargetStatus.
	Targets        []netip.AddrPort
	TargetStatuses []int

	Classification       string // Acceptable, Ambiguous or Severe
	ClassificationReason string
	ConnectionTrace      string // TID_ and 32 hex digits, the same for all requests of a connection and its connection log

	TransformedHost []byte
	TransformedURI  []byte
	TransformStatus string // "TransformSuccess" and the errors beside it
	Node            netip.Addr
}

// AppendLine appends the entry in ELB's format.
func (e *Entry) AppendLine(b []byte) []byte {
	b = word(b, e.Type)
	b = append(appendTime(append(b, ' '), e.Time), ' ')
	b = append(word(b, e.LoadBalancer), ' ')
	b = append(address(b, e.Client), ' ')
	b = append(address(b, e.Target), ' ')
	b = append(seconds(b, e.RequestTime), ' ')
	b = append(seconds(b, e.TargetTime), ' ')
	b = append(seconds(b, e.ResponseTime), ' ')
	b = append(code(b, e.Status), ' ')
	b = append(code(b, e.TargetStatus), ' ')
	b = append(integer(b, e.Received), ' ')
	b = append(integer(b, e.Sent), ' ')
	b = append(e.request(b), ' ')
	b = append(quoted(b, e.UserAgent[:min(len(e.UserAgent), maxAgent)]), ' ')
	b = append(word(b, e.Cipher), ' ')
	b = append(word(b, e.TLSProtocol), ' ')
	b = append(word(b, e.TargetGroup), ' ')
	b = append(quoted(b, e.Trace), ' ')
	b = append(quoted(b, e.ServerName), ' ')
	b = append(quoted(b, e.Certificate), ' ')
	b = append(priority(b, e.Priority), ' ')
	b = append(appendTime(b, e.Created), ' ')
	b = append(quoted(b, e.Actions), ' ')
	b = append(quoted(b, e.RedirectURL), ' ')
	b = append(quoted(b, e.ErrorReason), ' ')
	b = append(e.targets(b), ' ')
	b = append(e.statuses(b), ' ')
	b = append(quoted(b, e.Classification), ' ')
	b = append(quoted(b, e.ClassificationReason), ' ')
	b = append(word(b, e.ConnectionTrace), ' ')
	b = append(quoted(b, e.TransformedHost), ' ')
	b = append(quoted(b, e.TransformedURI), ' ')
	b = append(quoted(b, e.TransformStatus), ' ')
	if !e.Node.IsValid() {
		return append(b, '-')
	}
	return e.Node.AppendTo(b)
}

// request is the request line with an absolute URL.
func (e *Entry) request(b []byte) []byte {
	b = append(orDash(append(b, '"'), e.Method), ' ')
	b = append(append(b, e.Scheme...), "://"...)
	b = append(escape(b, e.Host), ':')
	b = integer(b, int64(e.Port))
	if len(e.URI) == 0 {
		b = append(b, '-')
	}
	b = append(escape(b, e.URI), ' ')
	return append(orDash(b, e.Protocol), '"')
}

func (e *Entry) targets(b []byte) []byte {
	b = append(b, '"')
	if len(e.Targets) == 0 {
		return append(address(b, e.Target), '"')
	}
	for i, t := range e.Targets {
		if i > 0 {
			b = append(b, ' ')
		}
		b = address(b, t)
	}
	return append(b, '"')
}

func (e *Entry) statuses(b []byte) []byte {
	b = append(b, '"')
	if len(e.TargetStatuses) == 0 {
		return append(code(b, e.TargetStatus), '"')
	}
	for i, s := range e.TargetStatuses {
		if i > 0 {
			b = append(b, ' ')
		}
		b = code(b, s)
	}
	return append(b, '"')
}
