package proxy

// exchangeHTTP2 has a target that speaks HTTP/2 answer the request.
func (x *stream) exchangeHTTP2() { x.page(x.listener, 502) }
