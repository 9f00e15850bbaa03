package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/neargate/neargate/internal/aws"
)

// Config says how a gateway treats requests.
type Config struct {
	Account string // whose resources a caller sees who does not select another account
	Region  string // of unsigned requests
	Version string // of Neargate, for people; may be empty

	// Keys knows the access keys that Neargate issued; requests signed with one are verified. May be nil.
	Keys Keys
	// Enforce refuses requests that are not signed with such a key. Without it any other key counts as the account
	// owner's, which is meant for a loopback listener.
	Enforce bool

	// Authorize, if set, decides whether the caller may do what it asks for.
	Authorize func(ctx context.Context, op *aws.OperationInfo, in any) error
	// Audit, if set, hears of every request that reached an operation.
	Audit func(ctx context.Context, r Record)

	Log *slog.Logger     // nil: slog's default
	Now func() time.Time // nil: time.Now
}

// Record is what an audit hears.
type Record struct {
	Operation *aws.OperationInfo
	Input     any
	Output    any   // nil where Err is set
	Err       error // as the client sees it: *awserr.Error
	Took      time.Duration
}

// Gateway serves the operations of its fronts. It is safe for concurrent use.
type Gateway struct {
	config Config
	log    *slog.Logger
	now    func() time.Time
	apis   *catalogue
	steps  []step // of HTTP requests
	named  []step // of calls by name
}

// Handler returns the gateway of these fronts. It panics where two of them bind the same operation.
func Handler(config Config, fronts ...aws.Front) *Gateway {
	g := &Gateway{config: config, log: config.Log, now: config.Now, apis: newCatalogue()}
	if g.log == nil {
		g.log = slog.Default()
	}
	if g.now == nil {
		g.now = time.Now
	}
	for _, f := range fronts {
		for _, b := range f.Operations() {
			if err := g.apis.add(b); err != nil {
				panic(fmt.Sprintf("gateway: %v", err))
			}
		}
	}
	g.steps, g.named = g.pipeline(), g.invocation()
	return g
}

// NewServer returns an HTTP server with limits fit for API requests. Bodies are limited by the gateway.
func NewServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
