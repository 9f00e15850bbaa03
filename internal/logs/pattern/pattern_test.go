package pattern

import (
	"errors"
	"testing"
)

func TestMatch(t *testing.T) {
	const request = `{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another value"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"flag":true,"latency":12.5,"code":404}`
	const access = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
	for _, c := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"ERROR", "[ERROR 401] UNAUTHORIZED REQUEST", true},
		{"ERROR", "error", false},
		{"ERROR", "ERRORS", true},
		{"ERROR REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", true},
		{"ERROR ARGUMENTS", "[ERROR 401] UNAUTHORIZED REQUEST", false},
		{"?ERROR ?ARGUMENTS", "[ERROR 401] REQUEST", true},
		{"?WARN ?ARGUMENTS", "[ERROR 401] REQUEST", false},
		{"ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", false},
		{"ERROR -ARGUMENTS", "[ERROR 401] REQUEST", true},
		{"-ERROR", "fine", true},
		{"?ERROR REQUEST", "REQUEST only", true}, // optional beside required: ignored
		{`"INTERNAL SERVER ERROR"`, "[ERROR 500] INTERNAL SERVER ERROR", true},
		{`"SERVER INTERNAL"`, "[ERROR 500] INTERNAL SERVER ERROR", false},
		{`"a \" b"`, `x a " b y`, true},
		{"%AUTHORIZED%", "UNAUTHORIZED", true},
		{"%^[hc]at%", "hat", true},
		{"%^[hc]at%", "a hat", false},

		{`{ $.eventType = "UpdateTrail" }`, request, true},
		{`{ $.eventType = "Update*" }`, request, true},
		{`{ $.eventType != "UpdateTrail" }`, request, false},
		{`{ $.sourceIPAddress != 123.123.* }`, request, true},
		{`{ $.arrayKey[0] = "value" }`, request, true},
		{`{ $.arrayKey[1] = "value" }`, request, false},
		{`{ $.objectList[*].id = 2 }`, request, true},
		{`{ $.objectList[1].id = 2 }`, request, true},
		{`{ $.SomeObject IS NULL }`, request, true},
		{`{ $.flag IS TRUE }`, request, true},
		{`{ $.flag IS FALSE }`, request, false},
		{`{ $.SomeOtherObject NOT EXISTS }`, request, true},
		{`{ $.eventType NOT EXISTS }`, request, false},
		{`{ $.eventType EXISTS }`, request, true},
		{`{ $.latency > 12 && $.code = 4* }`, request, true},
		{`{ $.latency >= 13 || $.code < 500 }`, request, true},
		{`{ ($.latency >= 13 || $.code < 500) && $.flag IS FALSE }`, request, false},
		{`{ $.['eventType'] = "UpdateTrail" }`, request, true},
		{`{ $.code = 4.04e2 }`, request, true},
		{`{ $.eventType = %^Up% }`, request, true},
		{`{ $.a = 1 }`, "no json", false},

		{"[ip, id, user, timestamp, request, status_code, size]", access, true},
		{"[ip, id, user, timestamp, request, status_code]", access, false},
		{"[ip, ..., status_code = 4*, size]", access, true},
		{"[..., status_code = 404, size > 1000]", access, true},
		{"[..., status_code = 404, size > 2000]", access, false},
		{`[..., request =*html*, status_code, size]`, access, true},
		{`[..., status_code = 500 || status_code = 404, size]`, access, true},
		{`[ip != 127.*, ...]`, access, false},
		{`[..., request=%GET|PUT%, s, z]`, access, true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Match(c.message); got != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.message, got)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, text := range []string{
		`"open`, "%open", "%a(b)%", "a/b", "?", "{", "{ $.a }", "{ a = 1 }", "{ $.a = }", "{ $.a < b }", "{ $. = 1 }",
		"{ $.a[x] = 1 }", "{ $.a = 1 } x", "{ ($.a = 1 }", "[", "[a", "[a,, b]", "[..., ...]", "[a = 1 || b = 2]", "[a] b",
	} {
		if _, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{ $.a[*].b = "x*" && ($.c > 1 || $.d IS NULL) }`, `{"a":[{"b":"xy"}]}`)
	f.Add(`[ip, ..., code = 4*]`, `1 2 3 404`)
	f.Add(`?a -"b c" %d+%`, "a")
	f.Fuzz(func(_ *testing.T, text, message string) {
		if p, err := Parse(text); err == nil {
			p.Match(message)
		}
	})
}
