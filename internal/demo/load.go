package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// requestLimit is how long one request may take.
const requestLimit = 10 * time.Second

// browser is an HTTP client that knows names under .localhost, as curl and
// browsers do and resolvers of Go programs do not (RFC 6761, section 6.3).
func browser(keepAlive bool) *http.Client {
	d := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: requestLimit,
		Transport: &http.Transport{
			DisableKeepAlives: !keepAlive,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				if strings.HasSuffix(host, ".localhost") {
					host = "127.0.0.1"
				}
				return d.DialContext(ctx, network, net.JoinHostPort(host, port))
			},
		},
	}
}

// reply is what the application says of itself.
type reply struct{ Version, Hostname, Address string }

func ask(ctx context.Context, c *http.Client, url string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return reply{}, err
	}
	if res.StatusCode != http.StatusOK {
		return reply{}, fmt.Errorf("status %d: %.200s", res.StatusCode, body)
	}
	var r reply
	return r, json.Unmarshal(body, &r)
}

// tally counts requests and who answered them.
type tally struct {
	mu        sync.Mutex
	sent      int
	failed    int
	addresses map[string]int
	versions  map[string]int
	errors    []string // the first few
}

func newTally() *tally { return &tally{addresses: map[string]int{}, versions: map[string]int{}} }

func (t *tally) count(r reply, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent++
	if err != nil {
		t.failed++
		if len(t.errors) < 5 {
			t.errors = append(t.errors, err.Error())
		}
		return
	}
	t.addresses[r.Address]++
	t.versions[r.Version]++
}

func (t *tally) numbers() (sent, failed int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent, t.failed
}

// pressure sends requests from several clients until ctx is done: half of them
// over connections they keep, half over a new one each time.
func pressure(ctx context.Context, url string, clients int, t *tally) *sync.WaitGroup {
	var wg sync.WaitGroup
	for i := range clients {
		c := browser(i%2 == 0)
		wg.Go(func() {
			defer c.CloseIdleConnections()
			for ctx.Err() == nil {
				// A request under way when the load ends is finished, and counts.
				r, err := ask(context.WithoutCancel(ctx), c, url)
				if errors.Is(err, context.Canceled) {
					return
				}
				t.count(r, err)
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
	return &wg
}
