package cert

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/state"
)

const (
	// lookAgain is the time between two looks at a certificate that is due for renewal and not in use.
	lookAgain = time.Hour
	// retryAfter is the time until an issue that failed is tried again.
	retryAfter = time.Minute
)

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
	case c == nil || c.Type != AmazonIssued:
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
			due[arn] = now.Add(retryAfter)
			if err := e.issue(ctx, c, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// issue puts a new certificate and key into the row, if that is still what it was when it was found to be due.
func (e *Engine) issue(ctx context.Context, c *Certificate, now time.Time) error {
	m, from, until, err := e.authority.issue(c.Domain, c.Names, c.KeyAlgorithm, now)
	if err != nil {
		e.log.Error("a certificate cannot be issued", "certificate", c.ARN, "error", err)
		return nil
	}
	issued := *c
	issued.Material, issued.NotBefore, issued.NotAfter, issued.IssuedAt = m, from, until, now.UTC()
	if c.Body != "" {
		issued.Exported, issued.Renewal = false, Renewal{RenewalDone, now.UTC()}
	}
	done := false
	err = e.store.Update(ctx, func(tx *state.Tx) error {
		if current, ok := e.Certificates.Get(tx, c.ARN); ok && current == c {
			e.Certificates.Put(tx, &issued)
			done = true
		}
		return nil
	})
	if err == nil && done {
		e.log.Info("certificate issued", "certificate", c.ARN, "domain", c.Domain, "until", until)
	}
	return err
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
