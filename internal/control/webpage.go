package control

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// fromWebPage tells requests that a browser sends for a page of another place.
// Where every key counts as the owner's, such a page could do anything: forms
// need no permission to be sent to 127.0.0.1. What no page can leave out gives
// it away: the Origin of everything but GET, and the Host of a GET that reaches
// us because the page's own name was made to mean 127.0.0.1 (DNS rebinding).
func fromWebPage(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return true
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || !privateName(u.Host)
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && !privateName(r.Host)
}

// privateNames end names that nobody can have in the public DNS, or AWS alone.
var privateNames = []string{".localhost", ".amazonaws.com", ".amazonaws.com.cn", ".internal", ".local", ".test"}

// privateName says whether a host can't be somebody's name for a web page: an
// address, a name without dots, or one below privateNames.
func privateName(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host != "" && !strings.Contains(host, ".") ||
		slices.ContainsFunc(privateNames, func(end string) bool { return strings.HasSuffix(host, end) })
}
