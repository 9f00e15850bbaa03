package containers

import (
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/runc"

	"github.com/neargate/neargate/internal/task"
)

// watch waits for the container's end in the background.
func (e *Engine) watch(c *container) {
	e.waits.Go(func() {
		conn, err := c.box.line()
		if err == nil {
			var resp *taskapi.WaitResponse
			if resp, err = conn.Wait(e.scope(e.ctx), &taskapi.WaitRequest{ID: c.id}); err == nil {
				e.ended(c, int(resp.ExitStatus), resp.ExitedAt.AsTime(), "")
				return
			}
		}
		if e.ctx.Err() == nil { // or it is we who have closed the line
			e.abandon(c)
		}
	})
}

// ended writes down how a container ended and tells everybody.
func (e *Engine) ended(c *container, code int, at time.Time, why string) {
	kills, err := e.groups.OOMKills(c.group)
	if err != nil {
		e.log.Debug("oom kills", "container", c.id, "error", err)
	}
	c.mu.Lock()
	if c.state.Status == task.StatusStopped {
		c.mu.Unlock()
		return
	}
	c.state.Status, c.state.Pid = task.StatusStopped, 0
	c.state.ExitCode, c.state.FinishedAt, c.state.Err = code, at, why
	c.state.OOMKilled = kills > 0 && code != 0
	final := c.state
	c.record.Final = &final
	c.mu.Unlock()
	if err := c.save(); err != nil {
		e.log.Error("container record", "container", c.id, "error", err)
	}
	close(c.over)
	e.hub.publish(final)
}

// abandon ends a container whose shim is gone: nobody would take its exit code or read its output any more.
func (e *Engine) abandon(c *container) {
	if c.now().Status == task.StatusStopped {
		return
	}
	code, at, why := 137, time.Now(), "its shim died"
	if exit, err := runc.ReadExitStatus(c.bundle); err == nil {
		code, at, why = exit.Status, exit.Timestamp, ""
	}
	e.ended(c, code, at, why)
	if err := e.groups.Remove(c.group); err != nil {
		e.log.Error("control group", "container", c.id, "error", err)
	}
	_ = unmountRoot(c.bundle)
}

// tellClamped says once that the machine does not let us give what a task definition asks for.
func (e *Engine) tellClamped(ulimit string, hard uint64) {
	if _, told := e.told.LoadOrStore("ulimit "+ulimit, true); !told {
		e.log.Warn("ulimits are clamped to what this process may give", "ulimit", ulimit, "hard", hard)
	}
}
