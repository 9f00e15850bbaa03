package simulated_test

import (
	"testing"

	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/enginetest"
	"github.com/neargate/neargate/internal/task/simulated"
)

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) *enginetest.Harness {
		e := simulated.New()
		e.Behave("missing", simulated.Behaviour{PullError: &task.PullError{Ref: "missing", Reason: "not found"}})
		return &enginetest.Harness{
			Engine: e, Image: "probe", Missing: "missing",
			Reopen: func(*testing.T) task.Engine { return e },
			Output: func(_ *testing.T, id string) []byte { return []byte(e.Output(id)) },
		}
	})
}
