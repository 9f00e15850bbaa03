package proxy

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// titles are the words Elastic Load Balancing has for the statuses it answers with itself.
var titles = map[int]string{
	301: "301 Moved Permanently",
	302: "302 Found",
	400: "400 Bad Request",
	405: "405 Method Not Allowed",
	408: "408 Request Time-out",
	414: "414 Request-URI Too Large",
	463: "463 ",
	464: "464 ",
	500: "500 Internal Server Error",
	501: "501 Not Implemented",
	502: "502 Bad Gateway",
	503: "503 Service Temporarily Unavailable",
	504: "504 Gateway Time-out",
	505: "505 HTTP Version Not Supported",
}

// pages are the HTML bodies that go with titles.
var pages = func() map[int]string {
	m := map[int]string{}
	for status, title := range titles {
		m[status] = "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
			"</h1></center>\r\n</body>\r\n</html>\r\n"
	}
	return m
}()

// fixed is a compiled fixed response.
type fixed struct {
	code        int
	status      string // with its reason
	contentType string
	body        string
}

func newFixed(f *edgeapi.FixedResponse) *fixed {
	status := strconv.Itoa(f.StatusCode) + " " + http.StatusText(f.StatusCode)
	contentType := cmp.Or(f.ContentType, "text/plain")
	switch contentType {
	case "text/plain", "text/html", "application/javascript":
		contentType += "; charset=utf-8" // as observed
	}
	return &fixed{f.StatusCode, status, contentType, f.Body}
}

// answer writes a response of the load balancer's own. It reports whether the connection can go on.
func (c *client) answer(v *listener, status, contentType, body, location string, keep bool) bool {
	w := c.w
	keep = keep && !c.engine.closing.Load()
	b := append(w.out[:0], "HTTP/1.1 "...)
	b = append(b, status...)
	b = append(b, "\r\n"...)
	if v == nil || !v.attributes.ServerHeaderOff {
		b = append(b, "Server: awselb/2.0\r\n"...)
	}
	b = append(b, "Date: "...)
	b = append(b, *c.sweeper.date.Load()...)
	if body != "" {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, contentType...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n"...)
	b = append(b, connectionField(keep)...)
	if location != "" {
		b = append(b, "Location: "...)
		b = append(b, location...)
		b = append(b, "\r\n"...)
	}
	if v != nil {
		b = append(b, v.setFields...)
	}
	b = append(b, "\r\n"...)
	if string(w.request.Method) != "HEAD" {
		b = append(b, body...)
	}
	w.out = b
	c.within(c.idleTimeout)
	n, err := c.Write(b)
	if v != nil {
		v.counters.bytesOut.Add(uint64(n))
	}
	if c.entry != nil {
		c.entry.Status, _ = strconv.Atoi(status[:3])
		c.entry.Sent += int64(n)
		c.entry.ended = c.engine.clock()
	}
	return keep && err == nil
}

// page answers with one of pages and counts it.
func (c *client) page(v *listener, status int, keep bool) bool {
	if v != nil {
		v.counters.answered(status)
	}
	return c.answer(v, titles[status], "text/html", pages[status], "", keep)
}

func connectionField(keep bool) string {
	if keep {
		return "Connection: keep-alive\r\n"
	}
	return "Connection: close\r\n"
}
