package task

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// steps is the way of a task, in order. The first step that is due is taken, what it learnt is written down, and the task is
// looked at again. Every step may be cut off by a crash at any point and is then simply taken again.
func (l *Loop) steps() []step {
	return []step{
		{name: "observe", lane: l.rows, due: changed},
		{name: "interface", lane: l.rows, due: needsInterface, do: l.makeInterface, patience: 1},
		{name: "attach", lane: l.network, due: needsAttachment, do: l.attach, patience: 8, interruptible: true},
		{name: "pull", lane: l.pulls, due: needsImages, do: l.pull, patience: 3, interruptible: true},
		{name: "start", lane: l.starts, due: hasStartable, do: l.startContainers, patience: 5},
		{name: "activate", lane: l.rows, due: needsTargets, do: l.activate, patience: 8},
		{name: "deactivate", lane: l.rows, due: hasTargets, do: l.deactivate},
		{name: "drain", lane: l.rows, due: drained, do: l.drain},
		{name: "stop", lane: l.stops, due: hasStoppable, do: l.stopContainers},
		{name: "release", lane: l.stops, due: at(Deprovisioning), do: l.release},
		{name: "forget", lane: l.rows, due: outlived, do: l.forget},
	}
}

// step is one stretch of the way.
type step struct {
	name string
	lane *lane
	// due decides from what is known. It is pure.
	due func(v *view) bool
	// do acts, and returns what it learnt even when it fails half-way. Nil: writing down what was observed is all.
	do func(ctx context.Context, v *view) (change, error)
	// patience is how many failures in a row the task survives; 0 is any number.
	patience int
	// interruptible steps are cancelled when the task is to stop.
	interruptible bool
}

// change writes what a step learnt into the task's newest row.
type change func(tx *state.Tx, t *Task) error

// view is everything a decision about one task rests on.
type view struct {
	observed
	now     time.Time
	tx      *state.Tx // only while deciding
	task    *Task
	def     *Definition
	traffic Traffic
}

func at(s State) func(*view) bool { return func(v *view) bool { return v.task.Status == s } }

// changed: the row does not yet say what was observed, or what follows from it.
func changed(v *view) bool {
	t := v.task.clone()
	t.advance(v.def, v, v.now)
	return !same(t, v.task)
}
