package task

import "sync"

// lane runs jobs, a bounded number at a time, in the order they came. It has no goroutine while it has nothing to do.
type lane struct {
	limit int

	mu      sync.Mutex
	queue   []func()
	running int
	idle    sync.WaitGroup
}

func newLane(limit int) *lane { return &lane{limit: max(limit, 1)} }

func (l *lane) submit(job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, job)
	if l.running < l.limit {
		l.running++
		l.idle.Go(l.work)
	}
}

func (l *lane) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.queue = nil
			l.running--
			l.mu.Unlock()
			return
		}
		job := l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		l.mu.Unlock()
		job()
	}
}

// wait returns when the lane is empty. Nothing may be submitted meanwhile but by its own jobs.
func (l *lane) wait() { l.idle.Wait() }

// set is a set of names that several goroutines use.
type set struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (s *set) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = map[string]struct{}{}
	}
	s.names[name] = struct{}{}
}

func (s *set) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, name)
}

func (s *set) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.names[name]
	return ok
}
