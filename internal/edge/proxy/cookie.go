package proxy

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/edge/http1"
)

// cookieKind is a kind of stickiness cookie ("Sticky sessions for your Application Load Balancer").
type cookieKind struct {
	name string
	// cors is the name of the second cookie with the same content, for requests from other sites; empty if there is none.
	cors  string
	label []byte // what its content is sealed under
}

var (
	targetCookie = &cookieKind{"AWSALB", "AWSALBCORS", []byte("AWSALB")}
	groupCookie  = &cookieKind{"AWSALBTG", "AWSALBTGCORS", []byte("AWSALBTG")}
	// applicationCookie would be continued as AWSALBAPP-1 and so on if its value were over 4 KB.
	applicationCookie = &cookieKind{"AWSALBAPP-0", "", []byte("AWSALBAPP")}
)

// cookieLife is what stickiness cookies expire after, whatever the duration of the stickiness.
const cookieLife = 7 * 24 * time.Hour

// maxAttempts is how many cookies of one name are tried, so that a head full of them costs little.
const maxAttempts = 4

// load reads the request's cookie of a kind into j.
func (k *cookieKind) load(s *sealer, r *http1.Request, j *jar) {
	attempts := 0
	for _, f := range r.Fields {
		if f.Kind != http1.Cookie {
			continue
		}
		for rest := r.Value(f); len(rest) > 0; {
			var name, value []byte
			if name, value, rest = nextCookie(rest); string(name) != k.name && (k.cors == "" || string(name) != k.cors) {
				continue
			}
			if s.open(k, value, j) {
				return
			}
			if attempts++; attempts == maxAttempts {
				return
			}
		}
	}
}

// nextCookie cuts the first pair off a Cookie field.
func nextCookie(b []byte) (name, value, rest []byte) {
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		end = len(b)
	} else {
		rest = b[end+1:]
	}
	pair := b[:end]
	for len(pair) > 0 && pair[0] == ' ' {
		pair = pair[1:]
	}
	if i := bytes.IndexByte(pair, '='); i >= 0 {
		return pair[:i], pair[i+1:], rest
	}
	return nil, nil, rest
}

// hasCookie reports whether the request has a cookie called name.
func hasCookie(r *http1.Request, name string) bool {
	for _, f := range r.Fields {
		if f.Kind != http1.Cookie {
			continue
		}
		for rest := r.Value(f); len(rest) > 0; {
			var n []byte
			if n, _, rest = nextCookie(rest); string(n) == name {
				return true
			}
		}
	}
	return false
}

// setsCookie reports whether the response sets a cookie called name.
func setsCookie(r *http1.Response, name string) bool {
	for _, f := range r.Fields {
		if f.Kind != http1.SetCookie {
			continue
		}
		if n, _, _ := nextCookie(r.Value(f)); string(n) == name {
			return true
		}
	}
	return false
}

// issue is cookies to be set, and the conditions under which the same ones can be given to the next client.
type issue struct {
	values []string // of Set-Cookie fields
	lines  []byte   // the same as field lines

	kind   *cookieKind
	sealer *sealer
	at     int64
}

// newIssue seals j into cookies.
func newIssue(k *cookieKind, s *sealer, j *jar, now int64, site string) *issue {
	out := &issue{kind: k, sealer: s, at: now}
	value := s.seal(k, j)
	expires := "; Expires=" + time.Unix(now, 0).Add(cookieLife).UTC().Format(http.TimeFormat) + "; Path=/"
	first := k.name + "=" + value + expires
	if k.cors == "" {
		first += site
	}
	out.values = append(out.values, first)
	if k.cors != "" {
		out.values = append(out.values, k.cors+"="+value+expires+site)
	}
	for _, v := range out.values {
		out.lines = append(out.lines, "Set-Cookie: "+v+"\r\n"...)
	}
	return out
}

// Attributes of cookies that are to be sent with requests from other sites. Browsers take SameSite=None only together with
// Secure, and Secure only over HTTPS; over HTTP the attribute is as on AWS all the same.
const (
	anySite       = "; SameSite=None"
	anySiteSecure = "; SameSite=None; Secure"
)

// takesAnySite reports whether the client is Chromium 80 or later, the only ones for whom application cookies get
// SameSite=None.
func takesAnySite(r *http1.Request) bool {
	for _, f := range r.Fields {
		if f.Kind != http1.Other || !http1.EqualFold(r.Name(f), "user-agent") {
			continue
		}
		for _, product := range [][]byte{[]byte("Chrome/"), []byte("Chromium/")} {
			if _, after, ok := bytes.Cut(r.Value(f), product); ok {
				major, _, _ := bytes.Cut(after, []byte{'.'})
				n, err := strconv.Atoi(string(major))
				return err == nil && n >= 80
			}
		}
	}
	return false
}
