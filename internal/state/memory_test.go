package state_test

import (
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/journaltest"
)

func TestMemory(t *testing.T) {
	journaltest.Run(t, func(testing.TB) journaltest.Open {
		j := state.Memory()
		return func() (state.Journal, error) { return j, nil }
	})
}
