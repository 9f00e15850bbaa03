package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// grace is how long requests under way may take once the program is asked to stop.
const grace = 20 * time.Second

func serveHTTP(ctx context.Context, address string) error {
	var under atomic.Int64
	h := handler()
	s := &http.Server{Addr: address, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		under.Add(1)
		defer under.Add(-1)
		h.ServeHTTP(w, r)
	})}
	go func() {
		<-ctx.Done()
		for end := time.Now().Add(grace); under.Load() > 0 && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		s.Close()
	}()
	return s.ListenAndServe()
}

func serveHTTP2(address string) error {
	s := &http.Server{Addr: address, Handler: handler(), Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	return s.ListenAndServe()
}

func serveTLS(address string) error {
	own, err := selfSigned()
	if err != nil {
		return err
	}
	s := &http.Server{Addr: address, Handler: handler(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}}}
	return s.ListenAndServeTLS("", "")
}

// selfSigned is a certificate that nobody has reason to trust, as those of targets are.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"target"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/healthz", who)
	m.HandleFunc("/", who)
	m.HandleFunc("/echo", echo)
	m.HandleFunc("/two", echo)
	m.HandleFunc("/length", length)
	m.HandleFunc("/sealed", echo)
	m.HandleFunc("/resealed", echo)
	m.HandleFunc("/sticky/page", page)
	m.HandleFunc("/weighed/page", page)
	m.HandleFunc("/slow", slow)
	m.HandleFunc("/timed", slow)
	m.HandleFunc("/sticky/slow", slow)
	m.HandleFunc("/held", held)
	m.HandleFunc("/held/count", count)
	m.HandleFunc("/held/release", release)
	m.HandleFunc("/events", events)
	m.HandleFunc("/events/next", next)
	m.HandleFunc("/trailers", trailers)
	m.HandleFunc("/socket", socket)
	return m
}

// who says who answers, as the demo application does.
func who(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "version %s\n", name)
}

// Seen is a request as it has arrived.
type Seen struct {
	Name, Protocol, Method, Host, URI, From string
	TLS                                     bool
	Header                                  http.Header
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Seen{name, r.Proto, r.Method, r.Host, r.RequestURI, r.RemoteAddr, r.TLS != nil, r.Header})
}

func length(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Fprintln(w, n)
}

// page asks for pages beside it several times, one request after another, and shows who answered: the first line is this page's own target.
func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, `<!doctype html><title>targets</title><pre>version %s
<script>
for (let i = 0; i < 12; i++) {
  const r = new XMLHttpRequest();
  r.open('GET', 'x' + i, false);
  r.send();
  document.write(r.responseText);
}
</script></pre>
`, name)
}

func slow(w http.ResponseWriter, r *http.Request) {
	ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
	time.Sleep(time.Duration(ms) * time.Millisecond)
	who(w, r)
}

var (
	holds    atomic.Int64
	released = make(chan struct{})
	letGo    = sync.OnceFunc(func() { close(released) })
)

// held answers once release was asked for.
func held(w http.ResponseWriter, r *http.Request) {
	holds.Add(1)
	defer holds.Add(-1)
	select {
	case <-released:
		who(w, r)
	case <-r.Context().Done():
	}
}

func count(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, holds.Load()) }

func release(w http.ResponseWriter, r *http.Request) {
	letGo()
	who(w, r)
}

var wanted = make(chan struct{})

// events sends five events, each one but the first when next was asked for.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for i := range 5 {
		if i > 0 {
			select {
			case <-wanted:
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprintf(w, "id: %d\ndata: %s\n\n", i, name)
		if out.Flush() != nil {
			return
		}
	}
}

func next(w http.ResponseWriter, r *http.Request) {
	select {
	case wanted <- struct{}{}:
		who(w, r)
	case <-r.Context().Done():
	}
}

func trailers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Trailer", "X-Sum")
	fmt.Fprintln(w, "body")
	w.Header().Set("X-Sum", "42")
}

// socket echoes messages; "close CODE REASON" closes.
func socket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"echo"}})
	if err != nil {
		log.Print(err)
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			log.Printf("socket: close status %d: %v", websocket.CloseStatus(err), err)
			return
		}
		if words := strings.SplitN(string(message), " ", 3); len(words) == 3 && words[0] == "close" {
			code, _ := strconv.Atoi(words[1])
			_ = c.Close(websocket.StatusCode(code), words[2])
			return
		}
		if err := c.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
