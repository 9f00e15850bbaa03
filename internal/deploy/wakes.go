package deploy

import (
	"container/heap"
	"time"
)

// wakes holds when each service wants to be looked at.
type wakes struct {
	at   map[string]time.Time
	heap alarms
}

type alarm struct {
	service string
	at      time.Time
}

func newWakes() *wakes { return &wakes{at: map[string]time.Time{}} }

// set replaces a service's time; zero takes it away.
func (w *wakes) set(service string, at time.Time) {
	if at.IsZero() {
		delete(w.at, service)
		return
	}
	if old, ok := w.at[service]; ok && old.Equal(at) {
		return
	}
	w.at[service] = at
	heap.Push(&w.heap, alarm{service, at})
}

// first is the earliest time.
func (w *wakes) first() (time.Time, bool) {
	for len(w.heap) > 0 {
		a := w.heap[0]
		if at, ok := w.at[a.service]; ok && at.Equal(a.at) {
			return a.at, true
		}
		heap.Pop(&w.heap) // replaced since
	}
	return time.Time{}, false
}

// due hands over every service whose time has come.
func (w *wakes) due(now time.Time, fn func(service string)) {
	for {
		at, ok := w.first()
		if !ok || at.After(now) {
			return
		}
		a := heap.Pop(&w.heap).(alarm)
		delete(w.at, a.service)
		fn(a.service)
	}
}

type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
