package simulated

import (
	"context"
	"sync"

	"github.com/neargate/neargate/internal/task"
)

// subscriber holds the events somebody has not taken yet, as many as there are.
type subscriber struct {
	mu    sync.Mutex
	queue []task.ContainerState
	more  chan struct{} // a token while queue is not empty
}

// Events implements task.Engine.
func (e *Engine) Events(ctx context.Context) (<-chan task.ContainerState, error) {
	if err := e.begin(ctx, "Events"); err != nil {
		return nil, err
	}
	s := &subscriber{more: make(chan struct{}, 1)}
	e.subscribers[s] = struct{}{}
	e.mu.Unlock()
	out := make(chan task.ContainerState)
	go func() {
		defer close(out)
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.subscribers, s)
		}()
		s.deliver(ctx, out)
	}()
	return out, nil
}

func (s *subscriber) deliver(ctx context.Context, out chan<- task.ContainerState) {
	for {
		s.mu.Lock()
		batch := s.queue
		s.queue = nil
		s.mu.Unlock()
		for _, state := range batch {
			select {
			case <-ctx.Done():
				return
			case out <- state:
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.more:
		}
	}
}

// tell queues the container's state for every subscriber. The engine is locked.
func (e *Engine) tell(c *container) {
	for s := range e.subscribers {
		s.mu.Lock()
		s.queue = append(s.queue, c.state)
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}
