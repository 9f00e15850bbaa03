package control

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ownEndpoints are Neargate's own: what `neargate status`, `ps`, `logs`, `exec`,
// `image` and `ca` ask, health and reset.
func (p *Platform) ownEndpoints() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_neargate/health", p.health)
	guarded := func(pattern string, serve func(c *core, w http.ResponseWriter, r *http.Request) error) {
		mux.Handle(pattern, guard(func(w http.ResponseWriter, r *http.Request) {
			p.with(w, r, func(c *core, w http.ResponseWriter, r *http.Request) { answer(w, serve(c, w, r)) })
		}))
	}
	guarded("GET /_neargate/status", (*core).serveStatus)
	guarded("GET /_neargate/ca", (*core).serveRoot)
	guarded("GET /_neargate/images", (*core).listImages)
	guarded("POST /_neargate/images", (*core).loadImage)
	guarded("GET /_neargate/logs", (*core).serveLogs)
	guarded("POST /_neargate/exec", (*core).serveExec)
	mux.Handle("POST /_neargate/reset", guard(p.serveReset))
	return mux
}

// guard admits this machine's own programs alone: these endpoints ask for no
// signature. A page in a browser on this machine is kept out by its Origin.
func guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !peer.Addr().Unmap().IsLoopback() || r.Header.Get("Origin") != "" || !localHost(r.Host) {
			answer(w, &refusal{http.StatusForbidden, "this endpoint serves programs on this machine only"})
			return
		}
		next(w, r)
	}
}

func localHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// refusal is an error with an HTTP status.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }

// answer writes an error, if there is one.
func answer(w http.ResponseWriter, err error) {
	if err == nil {
		return
	}
	status := http.StatusInternalServerError
	if r, ok := err.(*refusal); ok {
		status = r.status
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client has gone
}

func (p *Platform) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{
		"status": "ok", "version": p.config.Version, "account": p.config.Account, "region": p.config.Region,
	})
}

// resetLimit is how long a reset may take; it goes on if its client leaves.
const resetLimit = 30 * time.Second

func (p *Platform) serveReset(w http.ResponseWriter, r *http.Request) {
	if !p.config.AllowReset {
		answer(w, &refusal{http.StatusForbidden, "reset is off: start serve with --allow-reset"})
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), resetLimit)
	defer cancel()
	if err := p.reset(ctx); err != nil {
		answer(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "empty"})
}
