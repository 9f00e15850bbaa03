package rules

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Origin is what the reserved keywords of a redirect stand for.
type Origin struct {
	Protocol string // HTTP or HTTPS
	Host     []byte // the Host field, with or without port
	Port     int    // the listener's
	Path     []byte
	Query    []byte
}

// AppendLocation appends the URL a redirect leads to. As on AWS the port is always written out, and "?" only before a
// query that is not empty. #{path} is the path without its first slash.
func AppendLocation(b []byte, r *edgeapi.Redirect, o *Origin) []byte {
	b = append(b, strings.ToLower(expand(r.Protocol, o))...)
	b = append(b, "://"...)
	b = append(b, expand(r.Host, o)...)
	b = append(b, ':')
	b = append(b, expand(r.Port, o)...)
	b = append(b, expand(r.Path, o)...)
	if q := expand(r.Query, o); q != "" {
		b = append(b, '?')
		b = append(b, q...)
	}
	return b
}

func expand(s string, o *Origin) string {
	if !strings.Contains(s, "#{") {
		return s
	}
	return strings.NewReplacer(
		"#{protocol}", o.Protocol,
		"#{host}", string(hostname(o.Host)),
		"#{port}", strconv.Itoa(o.Port),
		"#{path}", string(bytes.TrimPrefix(o.Path, []byte{'/'})),
		"#{query}", string(o.Query),
	).Replace(s)
}
