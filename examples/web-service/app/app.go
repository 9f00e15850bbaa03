package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// app answers requests.
type app struct {
	version, upstream string
	exit              func(int)
	client            *http.Client
	underWay          atomic.Int64 // requests

	mu   sync.Mutex
	kept [][]byte // what /alloc has taken
}

func newApp(version, upstream string, exit func(int)) *app {
	return &app{version: version, upstream: upstream, exit: exit, client: &http.Client{Timeout: 10 * time.Second}}
}

func (a *app) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/{$}", a.hello)
	m.HandleFunc("/api/{$}", a.hello)
	m.HandleFunc("/healthz", a.healthy)
	m.HandleFunc("/api/health", a.healthy)
	m.HandleFunc("/call", a.call)
	m.HandleFunc("/slow", a.slow)
	m.HandleFunc("/fail", a.fail)
	m.HandleFunc("/burn", a.burn)
	m.HandleFunc("/alloc", a.alloc)
	m.HandleFunc("/crash", a.crash)
	return a.logged(m)
}

// Hello is the answer to /.
type Hello struct {
	Version  string `json:"version"`
	Hostname string `json:"hostname"`
	Address  string `json:"address"`
}

func (a *app) hello(w http.ResponseWriter, r *http.Request) {
	h := Hello{Version: a.version, Address: address(r)}
	h.Hostname, _ = os.Hostname()
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(h)
		return
	}
	fmt.Fprintf(w, "version %s\nhostname %s\naddress %s\n", h.Version, h.Hostname, h.Address)
}

// address is the address at which the request has reached us.
func address(r *http.Request) string {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(at.String())
	if err != nil {
		return at.String()
	}
	return host
}

func (a *app) healthy(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func (a *app) call(w http.ResponseWriter, r *http.Request) {
	if a.upstream == "" {
		http.Error(w, "UPSTREAM_URL is not set", http.StatusNotImplemented)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, a.upstream, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	req.Header.Set("Accept", r.Header.Get("Accept"))
	resp, err := a.client.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	d := time.Duration(number(r, "ms", 1000)) * time.Millisecond
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		fmt.Fprintf(w, "after %v\n", d)
	case <-r.Context().Done():
	}
}

func (a *app) fail(w http.ResponseWriter, r *http.Request) {
	code := number(r, "code", http.StatusInternalServerError)
	if code < 200 || code > 599 {
		http.Error(w, "code must be between 200 and 599", http.StatusBadRequest)
		return
	}
	w.WriteHeader(code)
	fmt.Fprintln(w, http.StatusText(code))
}

func (a *app) burn(w http.ResponseWriter, r *http.Request) {
	d := time.Duration(number(r, "ms", 1000)) * time.Millisecond
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end) && r.Context().Err() == nil; n++ {
	}
	fmt.Fprintf(w, "%d rounds in %v\n", n, d)
}

func (a *app) alloc(w http.ResponseWriter, r *http.Request) {
	b := make([]byte, number(r, "mb", 10)<<20)
	for i := 0; i < len(b); i += 4096 { // memory that is not touched is not taken
		b[i] = 1
	}
	a.mu.Lock()
	a.kept = append(a.kept, b)
	total := 0
	for _, k := range a.kept {
		total += len(k) >> 20
	}
	a.mu.Unlock()
	fmt.Fprintf(w, "%d MiB kept\n", total)
}

func (a *app) crash(http.ResponseWriter, *http.Request) {
	log.Print("crashing as asked")
	a.exit(1)
}

// number reads a parameter between 0 and a million.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 || n > 1_000_000 {
		return otherwise
	}
	return n
}

// logged writes one line per request.
func (a *app) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.underWay.Add(1)
		defer a.underWay.Add(-1)
		begin := time.Now()
		s := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(s, r)
		log.Printf("%s %s %d %dms %s", r.Method, r.URL.RequestURI(), s.code, time.Since(begin).Milliseconds(), from(r))
	})
}

// from is the client as the load balancer has seen it.
func from(r *http.Request) string {
	if f := r.Header.Get("X-Forwarded-For"); f != "" {
		return f
	}
	return r.RemoteAddr
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}
