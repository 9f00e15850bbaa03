package http1

// framing collects what a message says about the length of its body.
type framing struct {
	lengths  int // Content-Length fields
	size     int64
	chunked  bool
	identity bool
}

func (f *framing) length(v []byte) error {
	n, err := parseLength(v)
	if err != nil {
		return err
	}
	if f.lengths > 0 && n != f.size {
		return errLengths
	}
	f.lengths++
	f.size = n
	return nil
}

// encoding accepts chunked once, and identity, which "Troubleshoot your Application Load Balancers: HTTP 501" lists as
// supported and which means nothing.
func (f *framing) encoding(v []byte) error {
	switch {
	case f.chunked || f.identity:
		return errEncodings
	case EqualFold(v, "chunked"):
		f.chunked = true
	case EqualFold(v, "identity"):
		f.identity = true
	case len(v) == 0 || countOption(v, "chunked") > 1:
		return errEncodings
	default:
		return errEncoding
	}
	return nil
}

// parseLength accepts 1*DIGIT, up to 18 digits.
func parseLength(v []byte) (n int64, err error) {
	if len(v) == 0 || len(v) > 18 {
		return 0, errLength
	}
	for _, c := range v {
		if !isDigit(c) {
			return 0, errLength
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}
