package http1

// Reason is why a request is not Compliant, by the name that Elastic Load Balancing's access log has for it ("Classification
// reasons").
type Reason string

const (
	AmbiguousURI              Reason = "AmbiguousUri"
	BadContentLength          Reason = "BadContentLength"
	BadHeader                 Reason = "BadHeader"
	BadTransferEncoding       Reason = "BadTransferEncoding"
	BadURI                    Reason = "BadUri"
	BadMethod                 Reason = "BadMethod"
	BadVersion                Reason = "BadVersion"
	BothLengths               Reason = "BothTeClPresent"
	DuplicateContentLength    Reason = "DuplicateContentLength"
	ZeroContentLength         Reason = "GetHeadZeroContentLength"
	MultipleContentLength     Reason = "MultipleContentLength"
	NonCompliantHeader        Reason = "NonCompliantHeader"
	NonCompliantVersion       Reason = "NonCompliantVersion"
	SuspiciousHeader          Reason = "SuspiciousHeader"
	UndefinedContentLength    Reason = "UndefinedContentLengthSemantics"
	UndefinedTransferEncoding Reason = "UndefinedTransferEncodingSemantics"
)

// classify raises the request's tier. The first reason of the highest tier stays.
func (r *Request) classify(t Tier, why Reason) {
	if t > r.Tier {
		r.Tier, r.Reason = t, why
	}
}

func (t Tier) String() string {
	switch t {
	case Acceptable:
		return "Acceptable"
	case Ambiguous:
		return "Ambiguous"
	}
	return "Compliant"
}
