package registry

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// User is the name that docker logs in with: GetAuthorizationToken.
const User = "AWS"

// TokenLife is how long a password is valid.
const TokenLife = 12 * time.Hour

const secretID = "token"

// ErrToken is a password that is not ours or too old.
var ErrToken = errors.New("authorization token is invalid or has expired")

// Password issues a password for an account's registries, and when it ends.
func (r *Registry) Password(ctx context.Context, account string) (string, time.Time, error) {
	key, err := r.key(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	ends := r.now().Add(TokenLife).UTC()
	claim := binary.BigEndian.AppendUint64([]byte(account+"/"), uint64(ends.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(claim, sign(key, claim)...)), ends, nil
}

// Verify returns the account of a password.
func (r *Registry) Verify(ctx context.Context, password string) (string, error) {
	key, err := r.key(ctx)
	if err != nil {
		return "", err
	}
	raw, err := base64.RawURLEncoding.DecodeString(password)
	if err != nil || len(raw) < sha256.Size+9 {
		return "", ErrToken
	}
	claim, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	ends := time.Unix(int64(binary.BigEndian.Uint64(claim[len(claim)-8:])), 0)
	if !hmac.Equal(mac, sign(key, claim)) || r.now().After(ends) {
		return "", ErrToken
	}
	return strings.TrimSuffix(string(claim[:len(claim)-8]), "/"), nil
}

func sign(key, claim []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(claim)
	return h.Sum(nil)
}

// key is the signing key, made on first use and kept: passwords outlive restarts.
func (r *Registry) key(ctx context.Context) ([]byte, error) {
	if s, ok := r.tables.secrets.Get(r.store.View(), secretID); ok {
		return s.Key, nil
	}
	var key []byte
	err := r.store.Update(ctx, func(tx *state.Tx) error {
		if s, ok := r.tables.secrets.Get(tx, secretID); ok {
			key = s.Key
			return nil
		}
		key = make([]byte, sha256.Size)
		rand.Read(key) // never fails: crypto/rand
		r.tables.secrets.Put(tx, &secret{ID: secretID, Key: key})
		return nil
	})
	return key, err
}
