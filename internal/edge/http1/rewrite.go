package http1

// SetHost makes host the one the request is for. It reports false, and leaves the request as it is, if that is no host.
func (r *Request) SetHost(host []byte) bool {
	if len(host) == 0 || len(host) > MaxLine {
		return false
	}
	for _, c := range host {
		if octets[c]&isHost == 0 {
			return false
		}
	}
	r.Host, r.NewHost = host, true
	return true
}

// SetTarget makes target, in origin form, the one the request is for. It reports false, and leaves the request as it is, if
// that is no request target.
func (r *Request) SetTarget(target []byte) bool {
	if len(target) == 0 || target[0] != '/' || len(target) > MaxLine {
		return false
	}
	for _, c := range target {
		if octets[c]&isTarget == 0 {
			return false
		}
	}
	r.Target = target
	r.split()
	return true
}
