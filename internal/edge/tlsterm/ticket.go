package tlsterm

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	ticketPeriod = 6 * time.Hour // how long one key seals tickets
	ticketKeys   = 3             // the current one and those that still open tickets
)

// tickets are the secrets that session tickets are sealed with. All nodes of all load balancers share them, so a session begun at one node
// goes on at another; what a listener's keys are made of includes its name, so that it does not go on at another listener. Secrets are
// random and forgotten after ticketKeys periods: sessions do not outlive them, nor a restart.
type tickets struct {
	mu      sync.Mutex
	secrets [][32]byte // the newest first
	since   time.Time
	turn    uint64
}

// current makes sure of a fresh secret. It returns a number that changes with it.
func (t *tickets) current(now time.Time) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.secrets) > 0 && now.Sub(t.since) < ticketPeriod {
		return t.turn
	}
	var fresh [32]byte
	rand.Read(fresh[:])
	t.secrets = append([][32]byte{fresh}, t.secrets...)
	t.secrets = t.secrets[:min(len(t.secrets), ticketKeys)]
	t.since = now
	t.turn++
	return t.turn
}

// keys are those of one listener, the one that seals first.
func (t *tickets) keys(scope string) [][32]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([][32]byte, len(t.secrets))
	for i := range t.secrets {
		h := hmac.New(sha256.New, t.secrets[i][:])
		h.Write([]byte(scope))
		h.Sum(out[i][:0])
	}
	return out
}
