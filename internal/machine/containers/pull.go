package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/machine/images"
	"github.com/neargate/neargate/internal/task"
)

// Pull implements task.Engine.
func (e *Engine) Pull(ctx context.Context, r task.PullRequest) (task.Image, error) {
	img, err := e.images.Pull(ctx, images.Pull{Ref: r.Ref, Username: r.Username, Password: r.Password, NetNS: r.NetNS})
	if f, ok := errors.AsType[*images.Failure](err); ok {
		return task.Image{}, &task.PullError{Ref: r.Ref, Reason: f.Reason, Retry: f.Retry, Err: f.Err}
	} else if err != nil {
		return task.Image{}, fmt.Errorf("pull %s: %w", r.Ref, err)
	}
	return task.Image{Ref: r.Ref, Digest: img.Digest, StopSignal: img.Config.StopSignal}, nil
}

// keepImages is for how long a pulled image stays that no task asks for.
const keepImages = 7 * 24 * time.Hour

// CollectImages frees the disk space of images that nobody has asked for in a week, or that no name leads to any more, and that no
// container stands on.
func (e *Engine) CollectImages(ctx context.Context) error {
	e.layers.Lock()
	defer e.layers.Unlock()
	inUse := map[string]bool{}
	for _, c := range e.index.Range {
		c := c.(*container)
		c.mu.Lock()
		if len(c.record.Lower) > 0 {
			inUse[c.record.Lower[0]] = true
		}
		c.mu.Unlock()
	}
	return e.images.Collect(ctx, inUse, time.Now().Add(-keepImages))
}
