package edgeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrRejected is wrapped by Put's error when edge refused the snapshot and goes on serving the one it has. Putting the same
// snapshot again is pointless; every other error of Put may pass.
var ErrRejected = errors.New("snapshot rejected")

// answerTime is how long edge may take to answer, besides the time it was asked to wait: one that hangs must not hold up the loops of the
// control plane for ever.
const answerTime = 30 * time.Second

// Client speaks to an edge process over its unix socket.
type Client struct {
	http *http.Client
}

// NewClient makes a client of the edge that listens on the unix socket. Nothing is dialled yet.
func NewClient(socket string) *Client {
	var d net.Dialer
	return &Client{http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConns:    4,
		IdleConnTimeout: time.Minute,
	}}}
}

// Put hands over a snapshot and returns once edge serves it.
func (c *Client) Put(ctx context.Context, s *Snapshot) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("edge: snapshot %d: %w", s.Generation, err)
	}
	var ack struct{ Generation uint64 }
	if err := c.do(ctx, answerTime, http.MethodPut, "/v1/snapshot", body, &ack); err != nil {
		return fmt.Errorf("edge: snapshot %d: %w", s.Generation, err)
	}
	if ack.Generation != s.Generation {
		return fmt.Errorf("edge: snapshot %d: generation %d acknowledged", s.Generation, ack.Generation)
	}
	return nil
}

// Status returns what edge observes as soon as its Seq is not after, or after wait at the latest.
func (c *Client) Status(ctx context.Context, after uint64, wait time.Duration) (*Status, error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "wait": {wait.String()}}
	var s Status
	if err := c.do(ctx, wait+answerTime, http.MethodGet, "/v1/status?"+q.Encode(), nil, &s); err != nil {
		return nil, fmt.Errorf("edge: status: %w", err)
	}
	return &s, nil
}

// Counters returns the counters as they are now.
func (c *Client) Counters(ctx context.Context) (*Counters, error) {
	var n Counters
	if err := c.do(ctx, answerTime, http.MethodGet, "/v1/counters", nil, &n); err != nil {
		return nil, fmt.Errorf("edge: counters: %w", err)
	}
	return &n, nil
}

// Close drops idle connections to edge.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) do(ctx context.Context, limit time.Duration, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://edge"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		err := fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
		if resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusConflict {
			err = fmt.Errorf("%w: %w", ErrRejected, err)
		}
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
