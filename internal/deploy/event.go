package deploy

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/neargate/neargate/internal/state"
)

// Event is one line of a service's event log.
type Event struct {
	ServiceARN string
	Number     uint64
	ID         string // uuid
	At         time.Time
	Message    string
}

// kept is how many events a service has. AWS: "Viewing Amazon ECS service event messages".
const kept = 100

func eventKey(service string, n uint64) string { return fmt.Sprintf("%s|%020d", service, n) }

// say appends an event; the oldest one goes.
func (t *Tables) say(tx *state.Tx, service string, at time.Time, message string) {
	n := uint64(1)
	for last := range t.Events.Backward(tx, service+"|") {
		n = last.Number + 1
		break
	}
	t.Events.Put(tx, &Event{ServiceARN: service, Number: n, ID: uuid.NewString(), At: at, Message: message})
	if n > kept {
		t.Events.Delete(tx, eventKey(service, n-kept))
	}
}

// EventsOf returns a service's events, newest first.
func (t *Tables) EventsOf(tx *state.Tx, service string) []*Event {
	events := make([]*Event, 0, kept)
	for e := range t.Events.Backward(tx, service+"|") {
		events = append(events, e)
	}
	return events
}
