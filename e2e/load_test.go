package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// get fetches a page of a virtual host.
func get(url, host string) (int, string, error) { return fetch(http.DefaultClient, url, host) }

func fetch(c *http.Client, url, host string) (int, string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// load is a constant stream of requests, half of its workers over connections they keep, half with a new one each time. Every
// request that does not end in a 200 is a failure.
type load struct {
	stop context.CancelFunc
	wait sync.WaitGroup

	mu       sync.Mutex
	sent     int
	failed   int
	failures []string // the first ones
	versions map[string]int
	gap      time.Duration // the longest between two answers
	last     time.Time
}

const (
	loadWorkers  = 8
	loadPause    = 5 * time.Millisecond // of a worker between two requests
	loadPatience = 30 * time.Second     // for an answer
)

func newLoad(t *testing.T, url, host string) *load {
	return newLoadOver(t, url, host, func() *http.Transport { return &http.Transport{} })
}

// newLoadOver is a load whose workers each have a transport of their own.
func newLoadOver(t *testing.T, url, host string, transport func() *http.Transport) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel, versions: map[string]int{}, last: time.Now()}
	for i := range loadWorkers {
		keep := i%2 == 0
		over := transport()
		over.DisableKeepAlives = !keep
		client := &http.Client{Timeout: loadPatience, Transport: over}
		l.wait.Go(func() {
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				begin := time.Now()
				code, body, err := fetch(client, url, host)
				l.note(begin, keep, code, body, err)
				select {
				case <-ctx.Done():
				case <-time.After(loadPause):
				}
			}
		})
	}
	t.Cleanup(func() { l.end() })
	return l
}

func (l *load) note(begin time.Time, keep bool, code int, body string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.sent++
	if err != nil || code != http.StatusOK {
		l.failed++
		if len(l.failures) < 10 {
			l.failures = append(l.failures, fmt.Sprintf("%s after %v (kept connection: %v): %d %.200q %v",
				begin.Format(time.StampMilli), now.Sub(begin).Round(time.Millisecond), keep, code, body, err))
		}
		return
	}
	l.gap, l.last = max(l.gap, now.Sub(l.last)), now
	version, _, _ := strings.Cut(strings.TrimPrefix(body, "version "), "\n")
	l.versions[version]++
}

// end stops the stream once what is under way is answered.
func (l *load) end() {
	l.stop()
	l.wait.Wait()
}

// check ends the stream and fails the test for every request that failed.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.end()
	t.Logf("%d requests, %d failed, answers by version %v", l.sent, l.failed, l.versions)
	if l.failed > 0 {
		t.Errorf("%d of %d requests failed:\n  %s", l.failed, l.sent, strings.Join(l.failures, "\n  "))
	}
	if l.sent < 50 {
		t.Errorf("%d requests are no load", l.sent)
	}
}
