package cert

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// lookAgain is the time between two looks at a certificate that is due for renewal and not in use.
const lookAgain = time.Hour

// Run issues requested certificates and renews them until ctx is done.
func (e *Engine) Run(ctx context.Context) error {
	w := e.store.Watch(e.Certificates)
	defer w.Close()
	due := map[string]time.Time{} // when to look at which certificate
	tx := e.store.View()
	for c := range e.Certificates.All(tx, "") {
		e.schedule(due, c, c.ARN)
	}
	for {
		if err := e.work(ctx, due); err != nil {
			return err
		}
		changes, err := e.wait(ctx, w, due)
		if err != nil {
			return err
		}
		tx := e.store.View()
		for _, change := range changes {
			c, _ := e.Certificates.Get(tx, change.Key)
			e.schedule(due, c, change.Key)
		}
	}
}

// schedule notes when a certificate, nil for one that is gone, has to be looked at.
func (e *Engine) schedule(due map[string]time.Time, c *Certificate, arn string) {
	switch {
	case c == nil || c.Type != AmazonIssued || c.FailureReason != "" || c.Renewal.Status == RenewalFailed:
		delete(due, arn)
	case c.Body == "":
		due[arn] = c.ValidatedAt
	case c.Renewal.Status == RenewalPending:
		due[arn] = c.Renewal.At.Add(e.clock.Wait(validation)) // a renewal is validated anew
	default:
		due[arn] = c.NotAfter.Add(-RenewBefore)
	}
}

// work issues what is due, one after the other.
func (e *Engine) work(ctx context.Context, due map[string]time.Time) error {
	tx := e.store.View()
	for arn, at := range due {
		now := e.clock.Now()
		if at.After(now) {
			continue
		}
		c, ok := e.Certificates.Get(tx, arn)
		switch {
		case !ok || c.Status(now) == Expired:
			delete(due, arn)
		case c.Body != "" && c.Renewal.Status != RenewalPending && !e.Renewable(tx, c, now):
			due[arn] = now.Add(lookAgain)
		default:
			delete(due, arn) // whatever comes of it is a change of the row, which schedules it anew
			if err := e.issue(ctx, c, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// issue puts a new certificate and key into the row, or why there is none, if that is still what it was when it was found to be due.
func (e *Engine) issue(ctx context.Context, c *Certificate, now time.Time) error {
	m, from, until, failure := e.authority.issue(c.Domain, c.Names, c.KeyAlgorithm, now)
	next := *c
	switch {
	case failure != nil:
		next.fail(now)
	case c.Body != "":
		next.Exported, next.Renewal = false, Renewal{Status: RenewalDone, At: now.UTC()}
	}
	if failure == nil {
		next.Material, next.NotBefore, next.NotAfter, next.IssuedAt = m, from, until, now.UTC()
	}
	done := false
	err := e.store.Update(ctx, func(tx *state.Tx) error {
		if current, ok := e.Certificates.Get(tx, c.ARN); ok && current == c {
			e.Certificates.Put(tx, &next)
			done = true
		}
		return nil
	})
	switch {
	case err != nil || !done:
	case failure != nil:
		e.log.Warn("certificate failed", "certificate", c.ARN, "domain", c.Domain, "error", failure)
	default:
		e.log.Info("certificate issued", "certificate", c.ARN, "domain", c.Domain, "until", until)
	}
	return err
}

// fail is the end of a certificate, or of its renewal: what the authority makes depends on nothing but the row, so that it would refuse
// the row each time.
func (c *Certificate) fail(now time.Time) {
	reason := OtherReason
	if slices.ContainsFunc(c.Names, func(name string) bool { return !isDomain(name) }) {
		reason = InvalidPublicDomain
	}
	if c.Body == "" {
		c.FailureReason = reason
		return
	}
	c.Renewal = Renewal{Status: RenewalFailed, Reason: reason, At: now.UTC()}
}

// wait returns at the next change, or with none when something is due.
func (e *Engine) wait(ctx context.Context, w *state.Watch, due map[string]time.Time) ([]state.Change, error) {
	var first time.Time
	for _, at := range due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if first.IsZero() {
		return w.Next(ctx)
	}
	// Never for long at once: the clock of a machine that sleeps goes on, a timer need not.
	timer := time.NewTimer(min(first.Sub(e.clock.Now()), lookAgain))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.Ready():
		return w.Take()
	case <-timer.C:
		return nil, nil
	}
}
