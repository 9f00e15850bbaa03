package cert

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// users says that the certificates it has are used.
type users struct {
	mu   sync.Mutex
	arns map[string]bool
}

func (u *users) CertificateUsers(_ *state.Tx, arn string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.arns[arn] {
		return []string{"lb"}
	}
	return nil
}

func (u *users) CertificateRenamed(_ *state.Tx, from, to string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arns[to] = u.arns[from]
	delete(u.arns, from)
}

func (u *users) use(arn string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arns[arn] = true
}

// world is an engine whose loop runs until the test ends.
type world struct {
	*Engine
	t    *testing.T
	used *users
}

func newWorld(t *testing.T, scale float64) *world {
	t.Helper()
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	used := &users{arns: map[string]bool{}}
	e := New(Config{
		Store: store, Tables: tables, Authority: open(t, t.TempDir()), Users: used, Clock: clock.Clock{Scale: scale}, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("the loop ended with %v", err)
		}
		store.Close()
	})
	return &world{e, t, used}
}

func (w *world) update(fn func(tx *state.Tx)) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), func(tx *state.Tx) error { fn(tx); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) request(algorithm string, names ...string) string {
	var arn string
	w.update(func(tx *state.Tx) {
		arn = w.Request(tx, Certificate{
			Account: "123456789012", Region: "us-east-1", Domain: names[0], Names: names[1:], KeyAlgorithm: algorithm, ValidationMethod: "DNS",
		}, time.Now()).ARN
	})
	return arn
}

func (w *world) get(arn string) *Certificate {
	w.t.Helper()
	c, ok := w.Certificates.Get(w.store.View(), arn)
	if !ok {
		w.t.Fatal("no certificate", arn)
	}
	return c
}

func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestIssuedAfterAMoment(t *testing.T) {
	for scale, wait := range map[float64]time.Duration{1: validation, 60: validation / 60} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, scale)
			arn := w.request(P256, "example.com", "EXAMPLE.com", "*.example.com")
			after(wait - time.Millisecond)
			if got := w.get(arn).Status(time.Now()); got != PendingValidation {
				t.Errorf("status %s at once", got)
			}
			if _, _, ok := w.KeyPair(w.store.View(), arn); ok {
				t.Error("key pair of a pending certificate")
			}
			if _, usable, found := w.Usable(w.store.View(), "123456789012", "us-east-1", arn); usable || !found {
				t.Error("a pending certificate is usable, or not found")
			}
			after(2 * time.Millisecond)
			c := w.get(arn)
			if got := c.Status(time.Now()); got != Issued || c.IssuedAt.IsZero() {
				t.Errorf("status %s after a moment", got)
			}
			if got := leafOf(t, &c.Material).DNSNames; len(got) != 2 || got[0] != "example.com" || got[1] != "*.example.com" {
				t.Errorf("names %v", got)
			}
			if algorithm, usable, found := w.Usable(w.store.View(), "123456789012", "us-east-1", arn); algorithm != P256 || !usable || !found {
				t.Error("an issued certificate is not usable")
			}
			for _, scope := range [][2]string{{"123456789012", "us-west-2"}, {"210987654321", "us-east-1"}} {
				if _, _, found := w.Usable(w.store.View(), scope[0], scope[1], arn); found {
					t.Errorf("found in %v", scope)
				}
			}
		})
	}
}

// A certificate in use is renewed in time, again and again; one that is not used ends.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		used, unused := w.request(P256, "used.example.com"), w.request(P256, "unused.example.com")
		w.used.use(used)
		after(validation)
		first := w.get(used)
		if first.Renewal.Status != "" {
			t.Errorf("renewal %v of a new certificate", first.Renewal)
		}
		after(time.Until(first.NotAfter.Add(-RenewBefore)) - time.Second)
		if w.get(used) != first {
			t.Error("renewed too early")
		}
		after(2 * time.Second)
		second := w.get(used)
		if second.Key == first.Key || !second.NotAfter.After(first.NotAfter) || second.Renewal.Status != RenewalDone || second.ARN != used {
			t.Errorf("not renewed: %v", second.Renewal)
		}
		after(time.Until(first.NotAfter) + time.Second)
		if got := w.get(unused).Status(time.Now()); got != Expired {
			t.Errorf("unused certificate is %s", got)
		}
		after(3 * Validity)
		if got := w.get(used).Status(time.Now()); got != Issued {
			t.Errorf("used certificate is %s", got)
		}
		w.used.use(unused)
		after(24 * time.Hour)
		if got := w.get(unused).Status(time.Now()); got != Expired {
			t.Errorf("an expired certificate became %s", got)
		}
	})
}

// A certificate that comes into use after its renewal was due is renewed then.
func TestLateUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		arn := w.request(P256, "example.com")
		after(validation)
		c := w.get(arn)
		after(time.Until(c.NotAfter) - 24*time.Hour)
		if w.get(arn) != c {
			t.Error("renewed though unused")
		}
		w.used.use(arn)
		after(lookAgain)
		if w.get(arn).NotAfter.Equal(c.NotAfter) {
			t.Error("not renewed once used")
		}
	})
}

// What cannot be issued fails once and for all; a certificate that cannot be renewed goes on as it is.
func TestFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		name, algorithm, renewed := w.request(P256, "example.com", "münchen.de"), w.request("nonsense", "example.com"), w.request(P256, "example.com")
		after(validation)
		for arn, reason := range map[string]string{name: InvalidPublicDomain, algorithm: OtherReason, renewed: ""} {
			c := w.get(arn)
			if c.FailureReason != reason || (c.Status(time.Now()) == Failed) != (reason != "") {
				t.Errorf("%s: %s for %q, want %q", c.Domain, c.Status(time.Now()), c.FailureReason, reason)
			}
		}
		renew := func(algorithm string) *Certificate {
			w.update(func(tx *state.Tx) {
				c := *w.get(renewed)
				c.KeyAlgorithm, c.Renewal = algorithm, Renewal{Status: RenewalPending, At: time.Now()}
				w.Certificates.Put(tx, &c)
			})
			after(validation)
			return w.get(renewed)
		}
		c := renew("nonsense")
		if c.Status(time.Now()) != Issued || c.Renewal.Status != RenewalFailed || c.Renewal.Reason != OtherReason {
			t.Errorf("%s with renewal %+v", c.Status(time.Now()), c.Renewal)
		}
		after(24 * time.Hour)
		if w.get(renewed) != c {
			t.Error("renewed again and again")
		}
		if again := renew(P256); again.Renewal.Status != RenewalDone || again.Renewal.Reason != "" || again.Key == c.Key {
			t.Errorf("asked for again: renewal %+v", again.Renewal)
		}
	})
}

// Certificates that are deleted or changed while they wait.
func TestChangedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		gone, changed := w.request(P256, "gone.example.com"), w.request(P256, "changed.example.com")
		after(validation / 2)
		w.update(func(tx *state.Tx) {
			w.Certificates.Delete(tx, gone)
			c := *w.get(changed)
			c.Tags = map[string]string{"a": "b"}
			w.Certificates.Put(tx, &c)
		})
		after(validation)
		if _, ok := w.Certificates.Get(w.store.View(), gone); ok {
			t.Error("a deleted certificate came back")
		}
		if c := w.get(changed); c.Status(time.Now()) != Issued || c.Tags["a"] != "b" {
			t.Errorf("%s with tags %v", c.Status(time.Now()), c.Tags)
		}
	})
}

func TestServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		one := &Server{ID: "ASCA1", Account: "1", Name: "Web", ARN: "arn:aws:iam::1:server-certificate/Web", Material: Material{Body: "one", Key: "k"}}
		w.update(func(tx *state.Tx) { w.Servers.Put(tx, one) })
		tx := w.store.View()
		if _, usable, found := w.Usable(tx, "1", "eu-west-1", one.ARN); !usable || !found {
			t.Error("not usable")
		}
		if _, _, found := w.Usable(tx, "2", "eu-west-1", one.ARN); found {
			t.Error("found by another account")
		}
		if s, ok := w.Server(tx, "1", "wEB"); !ok || s != one {
			t.Error("not found in another case")
		}
		w.used.use(one.ARN)
		renamed := *one
		w.update(func(tx *state.Tx) { w.RenameServer(tx, &renamed, "arn:aws:iam::1:server-certificate/prod/Web") })
		if _, _, ok := w.KeyPair(w.store.View(), one.ARN); ok {
			t.Error("found by its former ARN")
		}
		if chain, _, ok := w.KeyPair(w.store.View(), renamed.ARN); !ok || chain != "one" {
			t.Errorf("under its name: %s", chain)
		}
		if got := w.ServerUsers(w.store.View(), &renamed); len(got) != 1 {
			t.Errorf("users %v", got)
		}
	})
}
