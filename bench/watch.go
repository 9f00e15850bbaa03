package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// watch sees tasks change by asking DescribeTasks, for all that somebody waits for in one request.
type watch struct {
	*client
	mu    sync.Mutex
	waits map[string]wait // by task
}

type wait struct {
	status string
	done   chan error
}

func newWatch(c *client) *watch { return &watch{client: c, waits: map[string]wait{}} }

// How often it asks: often where latency is measured, seldom where the asking would take the machine's time from the work.
const (
	askAlone   = 2 * time.Millisecond
	askForMany = 10 * time.Millisecond
	taskLimit  = time.Minute
)

type taskStatus struct{ TaskArn, LastStatus, StoppedReason string }

func (w *watch) ask(ctx context.Context, arns []string) ([]taskStatus, error) {
	var out struct{ Tasks []taskStatus }
	err := w.ecs(ctx, "DescribeTasks", fields{"cluster": cluster, "tasks": arns}, &out)
	return out.Tasks, err
}

// reached tells whether a task is in a status, or what keeps it from ever being.
func (t taskStatus) reached(status string) (bool, error) {
	if t.LastStatus == "STOPPED" && status != "STOPPED" {
		return false, fmt.Errorf("task stopped: %s", t.StoppedReason)
	}
	return t.LastStatus == status, nil
}

// alone asks for one task until it has reached a status.
func (w *watch) alone(ctx context.Context, arn, status string) error {
	ctx, cancel := context.WithTimeout(ctx, taskLimit)
	defer cancel()
	for {
		tasks, err := w.ask(ctx, []string{arn})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if ok, err := t.reached(status); ok || err != nil {
				return err
			}
		}
		time.Sleep(askAlone)
	}
}

// until waits for run to see the task in a status.
func (w *watch) until(ctx context.Context, arn, status string) error {
	done := make(chan error, 1)
	w.mu.Lock()
	w.waits[arn] = wait{status, done}
	w.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(taskLimit):
		return fmt.Errorf("task %s is not %s", arn, status)
	}
}

// run asks for all until ctx is done.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(askForMany)
		w.mu.Lock()
		var arns []string
		for arn := range w.waits {
			arns = append(arns, arn)
		}
		w.mu.Unlock()
		if len(arns) == 0 {
			continue
		}
		tasks, err := w.ask(ctx, arns)
		if err != nil {
			continue // until's limit tells
		}
		w.mu.Lock()
		for _, t := range tasks {
			wait, ok := w.waits[t.TaskArn]
			if !ok {
				continue
			}
			if ok, err := t.reached(wait.status); ok || err != nil {
				wait.done <- err
				delete(w.waits, t.TaskArn)
			}
		}
		w.mu.Unlock()
	}
}
