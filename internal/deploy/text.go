package deploy

import (
	"fmt"
	"strings"
)

// text is a service event's message. AWS: "Amazon ECS service event messages".
func text(service, format string, args ...any) string {
	return "(service " + service + ") " + fmt.Sprintf(format, args...)
}

const inconsistently = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

func drainingText(service, deployment string, tasks int) string {
	return fmt.Sprintf("(service %s, taskSet %s) has begun draining connections on %d tasks.", service, deployment, tasks)
}

// scalingReason is the stoppedReason of a task that is one too many.
func scalingReason(deployment string) string {
	return "Scaling activity initiated by (deployment " + deployment + ")"
}

// listed is how many tasks one event names.
const listed = 10

// taskList is "(task a) (task b)".
func taskList(ids []string) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = "(task " + id + ")"
	}
	return strings.Join(parts, " ")
}

// sentence ends with a full stop.
func sentence(s string) string {
	if s = strings.TrimSpace(s); strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// tally counts by key and keeps the keys in the order of their first appearance.
type tally struct {
	keys   []string
	counts map[string]int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (t *tally) add(key string) {
	if t.counts[key] == 0 {
		t.keys = append(t.keys, key)
	}
	t.counts[key]++
}
