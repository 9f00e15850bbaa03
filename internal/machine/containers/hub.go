package containers

import (
	"context"
	"sync"

	"github.com/neargate/neargate/internal/task"
)

// hub hands every change of a container to every subscriber.
type hub struct {
	mu     sync.Mutex
	subs   map[chan task.ContainerState]bool
	closed bool
}

// backlog is how many changes a subscriber may fall behind before it is cut off, upon which it lists again.
const backlog = 4096

func (h *hub) subscribe(ctx context.Context) <-chan task.ContainerState {
	ch := make(chan task.ContainerState, backlog)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(ch)
		return ch
	}
	if h.subs == nil {
		h.subs = map[chan task.ContainerState]bool{}
	}
	h.subs[ch] = true
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(ch)
	})
	return ch
}

func (h *hub) publish(s task.ContainerState) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case ch <- s:
		default:
			h.drop(ch)
		}
	}
}

func (h *hub) drop(ch chan task.ContainerState) {
	if h.subs[ch] {
		delete(h.subs, ch)
		close(ch)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for ch := range h.subs {
		h.drop(ch)
	}
}

// Events implements task.Engine.
func (e *Engine) Events(ctx context.Context) (<-chan task.ContainerState, error) {
	return e.hub.subscribe(ctx), nil
}
