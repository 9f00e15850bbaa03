package balance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/state"
)

// TestRevocationOctets: lists that no snapshot could hold are refused, in however many trust stores they are.
func TestRevocationOctets(t *testing.T) {
	g := balancetest.New(t)
	large := []balance.Revocation{{Type: balance.RevocationCRL, Content: strings.Repeat("a", balance.MaxRevocationOctets/2+1)}}
	add := func(name string) error {
		return g.Store.Update(t.Context(), func(tx *state.Tx) error {
			s, err := g.Balance.CreateTrustStore(tx, balance.TrustStore{Scope: balancetest.Scope, Name: name}, nil)
			if err != nil {
				return err
			}
			_, err = g.Balance.AddRevocations(tx, s, large)
			return err
		})
	}
	if err := add("one"); err != nil {
		t.Fatal(err)
	}
	if err := add("two"); !errors.Is(err, balance.ErrTooManyRevocations) {
		t.Errorf("got %v", err)
	}
}
