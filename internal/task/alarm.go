package task

import (
	"container/heap"
	"time"
)

// alarms tell when to look at something again. A name has at most one alarm, its earliest.
type alarms struct {
	queue  alarmQueue
	byName map[string]*alarm
}

type alarm struct {
	name string
	at   time.Time
	pos  int
}

// set makes the alarm of name go off at the given time; zero: not at all.
func (a *alarms) set(name string, at time.Time) {
	x, ok := a.byName[name]
	switch {
	case at.IsZero() && ok:
		heap.Remove(&a.queue, x.pos)
		delete(a.byName, name)
	case at.IsZero():
	case ok:
		x.at = at
		heap.Fix(&a.queue, x.pos)
	default:
		if a.byName == nil {
			a.byName = map[string]*alarm{}
		}
		x = &alarm{name: name, at: at}
		a.byName[name] = x
		heap.Push(&a.queue, x)
	}
}

// due takes the names whose time has come.
func (a *alarms) due(now time.Time) []string {
	var names []string
	for len(a.queue) > 0 && !a.queue[0].at.After(now) {
		x := heap.Pop(&a.queue).(*alarm)
		delete(a.byName, x.name)
		names = append(names, x.name)
	}
	return names
}

// next is when the earliest alarm goes off, false without any.
func (a *alarms) next() (time.Time, bool) {
	if len(a.queue) == 0 {
		return time.Time{}, false
	}
	return a.queue[0].at, true
}

type alarmQueue []*alarm

func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q alarmQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].pos, q[j].pos = i, j }
func (q *alarmQueue) Push(x any)        { a := x.(*alarm); a.pos = len(*q); *q = append(*q, a) }
func (q *alarmQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return x
}
