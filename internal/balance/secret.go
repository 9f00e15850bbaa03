package balance

import (
	"crypto/rand"

	"github.com/neargate/neargate/internal/state"
)

// Secret is the key that seals stickiness cookies. It lives as long as the data directory, so that cookies outlive restarts.
type Secret struct{ Key []byte }

// CookieKey is the key, made when it is first asked for.
func (b *Balance) CookieKey(tx *state.Tx) []byte {
	if s, ok := b.Secrets.Get(tx, "cookies"); ok {
		return s.Key
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	b.Secrets.Put(tx, &Secret{Key: key})
	return key
}
