package task

import (
	"context"
	"fmt"
)

// adopt compares the table with what the engine has: every container's state is taken as observed, containers the table takes for
// running but the engine has not are taken for gone, and what belongs to no living task is removed. It is how a new process takes
// over, and how a Loop catches up when it lost events.
func (l *Loop) adopt(ctx context.Context) (<-chan ContainerState, error) {
	events, err := l.Engine.Events(ctx)
	if err != nil {
		return nil, fmt.Errorf("follow the engine's events: %w", err)
	}
	// What ran in the table before the engine was asked must be in its answer; what is in its answer must be in the table after.
	before := l.Store.View()
	list, err := l.Engine.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the engine's containers: %w", err)
	}
	after := l.Store.View()

	found := make(map[string]ContainerState, len(list))
	byTask := map[string][]string{}
	for _, s := range list {
		l.sandboxes.add(s.TaskID)
		byTask[s.TaskID] = append(byTask[s.TaskID], s.ID)
		if s.ID != "" {
			found[s.ID] = s
		}
	}
	for t := range l.life.tables.Tasks.All(before, "") {
		l.missing(t, found)
	}
	living := 0
	for t := range l.life.tables.Tasks.All(after, "") {
		if t.Status != Stopped {
			living++
			l.takeOver(ctx, t, found, byTask[t.ID])
			delete(byTask, t.ID)
		}
		l.Wake(t.ARN)
	}
	for id := range byTask {
		l.removeOrphan(ctx, id)
	}
	if living > 0 || len(byTask) > 0 {
		l.Log.Info("tasks adopted", "tasks", living, "containers", len(found), "orphans", len(byTask))
	}
	return events, nil
}

// missing takes containers that should run and are not there as ended.
func (l *Loop) missing(t *Task, found map[string]ContainerState) {
	for i := range t.Containers {
		c := &t.Containers[i]
		if _, ok := found[c.ID]; ok || c.Status != Running || c.Restarting {
			continue
		}
		l.mu.Lock()
		l.note(ContainerState{
			ID: c.ID, TaskID: t.ID, Name: c.Name, Status: StatusStopped, StartedAt: c.StartedAt,
			Err: "ContainerRuntimeError: the container is gone",
		})
		l.mu.Unlock()
	}
}

// takeOver takes one task's containers as the engine has them; incarnations before the last restart go.
func (l *Loop) takeOver(ctx context.Context, t *Task, found map[string]ContainerState, ids []string) {
	current := map[string]bool{"": true}
	l.mu.Lock()
	l.byID[t.ID] = t.ARN
	for i := range t.Containers {
		id := t.Containers[i].ID
		current[id] = true
		if s, ok := found[id]; ok {
			l.note(s)
		}
	}
	l.mu.Unlock()
	for _, id := range ids {
		if current[id] {
			continue
		}
		l.insist(ctx, "container "+id, func() error { return l.Engine.RemoveContainer(ctx, id) })
	}
}
