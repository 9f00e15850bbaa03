package policy

import (
	"time"

	"github.com/neargate/neargate/internal/state"
)

// NewSession writes the keys of a new session and returns them. Sessions that
// ended are removed on the way, so that they never pile up.
func (t *Tables) NewSession(tx *state.Tx, now time.Time, account, principal, userID string, lasts time.Duration) *AccessKey {
	for k := range t.Keys.All(tx, "ASIA") {
		if k.Expires.Before(now) {
			t.Keys.Delete(tx, k.ID)
		}
	}
	k := &AccessKey{
		ID: NewKeyID("ASIA"), Secret: NewSecret(), Token: NewToken(),
		Account: account, Principal: principal, UserID: userID,
		Active: true, Created: now, Expires: now.Add(lasts),
	}
	t.Keys.Put(tx, k)
	return k
}
