package containers

import (
	"context"
	"fmt"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
)

// Stats is what a container has used so far. An id of a task tells the whole task's.
func (e *Engine) Stats(_ context.Context, id string) (cgroup.Usage, error) {
	group := e.cfg.taskGroup(id)
	if c := e.find(id); c != nil {
		group = c.group
	} else if e.sandbox(id, false) == nil {
		return cgroup.Usage{}, fmt.Errorf("container %s does not exist", id)
	}
	u, err := e.groups.Usage(group)
	if err != nil {
		return u, fmt.Errorf("container %s: usage: %w", id, err)
	}
	return u, nil
}
