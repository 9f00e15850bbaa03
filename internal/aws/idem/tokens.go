package idem

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/state"
)

// Tables holds the tokens of all services.
type Tables struct {
	used     *state.Table[Used]
	expiries *state.Table[Expiry]
}

// Used is a token that a request succeeded with.
type Used struct {
	ID      string // account/region/service/operation/token
	Request string // digest of the parameters
	Answer  json.RawMessage
	Expires time.Time
}

// Expiry orders the tokens by the time they end.
type Expiry struct{ Key, ID string }

// NewTables adds the tables to a schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		used:     state.AddTable(s, "idem.token", func(u *Used) string { return u.ID }),
		expiries: state.AddTable(s, "idem.expiry", func(e *Expiry) string { return e.Key }),
	}
}

// Tokens are one service's client tokens.
type Tokens struct {
	tables   *Tables
	keep     time.Duration
	mismatch error
}

// Tokens returns the tokens of a service that remembers them for keep (ECS and
// EC2: 24 hours; Elastic Load Balancing has none) and answers mismatch to a
// token that comes back with other parameters.
func (t *Tables) Tokens(keep time.Duration, mismatch error) *Tokens {
	return &Tokens{tables: t, keep: keep, mismatch: mismatch}
}

// Do runs fn unless a request of the same caller and operation with this token
// succeeded before, in which case it returns that one's answer. A nil or empty
// token always runs fn. in is the operation's input; it is compared as a whole.
func Do[O any](tx *state.Tx, t *Tokens, call *aws.Call, token *string, in any, fn func() (*O, error)) (*O, error) {
	if token == nil || *token == "" {
		return fn()
	}
	t.expire(tx, call.Now)
	id := strings.Join([]string{call.Account, call.Region, call.Service, call.Operation, *token}, "/")
	digest, err := digestOf(in)
	if err != nil {
		return nil, err
	}
	if used, ok := t.tables.used.Get(tx, id); ok {
		return answer[O](t, used, digest)
	}
	out, err := fn()
	if err != nil {
		return nil, err
	}
	return out, t.remember(tx, id, digest, out, call.Now)
}

func answer[O any](t *Tokens, used *Used, digest string) (*O, error) {
	if used.Request != digest {
		return nil, t.mismatch
	}
	out := new(O)
	if err := json.Unmarshal(used.Answer, out); err != nil {
		return nil, fmt.Errorf("client token %s: kept answer: %w", used.ID, err)
	}
	return out, nil
}

func (t *Tokens) remember(tx *state.Tx, id, digest string, out any, now time.Time) error {
	kept, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("client token %s: keep answer: %w", id, err)
	}
	expires := now.Add(t.keep)
	t.tables.used.Put(tx, &Used{ID: id, Request: digest, Answer: kept, Expires: expires})
	t.tables.expiries.Put(tx, &Expiry{Key: expiryKey(expires) + "/" + id, ID: id})
	return nil
}

// expire removes what has ended. Every request with a token pays for its own
// predecessors, so there is no loop to run.
func (t *Tokens) expire(tx *state.Tx, now time.Time) {
	limit := expiryKey(now)
	for e := range t.tables.expiries.All(tx, "") {
		if e.Key[:len(limit)] > limit {
			return
		}
		t.tables.expiries.Delete(tx, e.Key)
		t.tables.used.Delete(tx, e.ID)
	}
}

// expiryKey orders by time; it is good until the year 2286.
func expiryKey(at time.Time) string { return fmt.Sprintf("%019d", at.UnixNano()) }

// digestOf is stable because encoding/json orders map keys and struct fields.
func digestOf(in any) (string, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("client token: request: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
