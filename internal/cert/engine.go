package cert

import (
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// Validity is how long an issued certificate is good for, in whole days from the midnight before ("AWS Certificate Manager public
// certificates": 198 days since February 2026).
const Validity = 198 * day

// RenewBefore is how long before its end a certificate is renewed.
const RenewBefore = 45 * day

// validation is how long a requested certificate waits for a validation that always succeeds; AWS takes some seconds longer.
const validation = 3 * time.Second

// Engine requests, imports and renews certificates.
type Engine struct {
	*Tables
	store     *state.Store
	authority *Authority
	users     Users
	clock     clock.Clock
	log       *slog.Logger
}

// Config is what an engine needs.
type Config struct {
	Store     *state.Store
	Tables    *Tables
	Authority *Authority
	Users     Users
	Clock     clock.Clock
	Log       *slog.Logger
}

// New makes the engine.
func New(c Config) *Engine {
	return &Engine{Tables: c.Tables, store: c.Store, authority: c.Authority, users: c.Users, clock: c.Clock, log: c.Log}
}

// Root is the PEM of what issues certificates.
func (e *Engine) Root() string { return e.authority.PEM() }

// Users are the ARNs of the load balancers that use an ACM certificate.
func (e *Engine) Users(tx *state.Tx, c *Certificate) []string {
	return e.users.CertificateUsers(tx, c.ARN)
}

// ServerUsers are the ARNs of the load balancers that use a server certificate.
func (e *Engine) ServerUsers(tx *state.Tx, s *Server) []string {
	return e.users.CertificateUsers(tx, s.ARN)
}

// RenameServer gives a server certificate another ARN and stores it. Listeners that have it follow: whoever gets its former ARN is
// another certificate, and a listener presents what it was given.
func (e *Engine) RenameServer(tx *state.Tx, s *Server, arn string) {
	if arn != s.ARN {
		e.users.CertificateRenamed(tx, s.ARN, arn)
		s.ARN = arn
	}
	e.Servers.Put(tx, s)
}

// Renewable is whether ACM renews a certificate by itself: it issued it, and the certificate is used or was exported ("Managed
// certificate renewal").
func (e *Engine) Renewable(tx *state.Tx, c *Certificate, now time.Time) bool {
	return c.Type == AmazonIssued && c.Status(now) == Issued && (c.Exported || len(e.Users(tx, c)) > 0)
}
