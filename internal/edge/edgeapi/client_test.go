package edgeapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilentEdge asks an edge that takes requests and answers none: its clients get their time, and no more.
func TestSilentEdge(t *testing.T) {
	for name, call := range map[string]struct {
		do   func(ctx context.Context, c *Client) error
		want time.Duration
	}{
		"snapshot": {func(ctx context.Context, c *Client) error { return c.Put(ctx, &Snapshot{}) }, answerTime},
		"status":   {func(ctx context.Context, c *Client) error { _, err := c.Status(ctx, 0, time.Minute); return err }, time.Minute + answerTime},
		"counters": {func(ctx context.Context, c *Client) error { _, err := c.Counters(ctx); return err }, answerTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				defer far.Close()
				go func() {
					for b := make([]byte, 1<<10); ; {
						if _, err := far.Read(b); err != nil {
							return
						}
					}
				}()
				c := &Client{http: &http.Client{Transport: &http.Transport{
					DialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil },
				}}}
				began := time.Now()
				if err := call.do(t.Context(), c); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != call.want {
					t.Errorf("%v after %s", err, time.Since(began))
				}
				c.Close()
			})
		})
	}
}
