package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// awslogs is the log driver whose containers this loop follows.
const awslogs = "awslogs"

// Bounds of a batch, and how long a line waits for others to join it.
const (
	batchEvents = 1000
	batchBytes  = 1 << 20
	joinWait    = time.Second
	firstRetry  = time.Second // after an error; the waits double
	lastRetry   = 30 * time.Second
	missingWait = 30 * time.Second // a spool that is not there this long after its container stopped never was
)

// Ingest follows the spools of containers with the awslogs driver and appends
// what they say to their streams, each line once: how far a spool was read is
// stored with its events.
type Ingest struct {
	Engine *Engine
	Store  *state.Store
	Tasks  *state.Table[task.Task]
	Spool  func(containerID string) string // path of a container's spool
	Log    *slog.Logger
}

// Run follows spools until ctx is done.
func (in *Ingest) Run(ctx context.Context) error {
	watch := in.Store.Watch(in.Tasks)
	defer watch.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	followed := followed{}
	look := func(arn string, t *task.Task) {
		for _, c := range followed.news(arn, t) {
			wg.Go(func() { in.follow(ctx, arn, c) })
		}
	}
	for t := range in.Tasks.All(in.Store.View(), "") {
		look(t.ARN, t)
	}
	for {
		changes, err := watch.Next(ctx)
		if err != nil {
			return nil // ctx is done
		}
		tx := in.Store.View()
		for _, ch := range changes {
			t, _ := in.Tasks.Get(tx, ch.Key)
			look(ch.Key, t)
		}
	}
}

// followed are the ids of a task's containers that are or were followed, by the task's ARN: none is followed twice.
type followed map[string][]string

// news are a task's containers to follow from now on. A task whose row is gone is nil and is forgotten.
func (f followed) news(arn string, t *task.Task) (news []task.Container) {
	if t == nil {
		delete(f, arn)
		return nil
	}
	for i := range t.Containers {
		c := t.Containers[i]
		if c.Log.Driver != awslogs || c.ID == "" || c.StartedAt.IsZero() || slices.Contains(f[arn], c.ID) {
			continue
		}
		f[arn] = append(f[arn], c.ID)
		news = append(news, c)
	}
	return news
}

// follow reads one container's spool to its end. What goes wrong, such as a full
// disk, is logged and tried again from where events were stored last: the
// container runs on meanwhile, as with Fargate's non-blocking delivery.
func (in *Ingest) follow(ctx context.Context, taskARN string, c task.Container) {
	log := in.Log.With("task", taskARN, "container", c.Name)
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := in.deliver(ctx, c, log)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Error("log delivery", "error", err, "again in", wait)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// deliver reads a spool from where it was read up to the last time. Without a spool there is nothing to do.
func (in *Ingest) deliver(ctx context.Context, c task.Container, log *slog.Logger) error {
	r, err := in.open(ctx, c)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer r.Close()
	f, err := newFollower(in.Engine, c, r, log)
	if err != nil {
		log.Error("log delivery is given up", "error", err) // its definition will not change
		return nil
	}
	if err := f.run(ctx); !errors.Is(err, io.EOF) {
		return err
	}
	return in.Engine.events.forget(ctx, c.ID)
}

// open waits for the spool: the engine makes it before the container starts, but a restart may find a row whose spool is gone.
func (in *Ingest) open(ctx context.Context, c task.Container) (*spool.Reader, error) {
	at, err := in.Engine.events.offset(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(missingWait)
	for {
		r, err := spool.Open(in.Spool(c.ID), at)
		if !errors.Is(err, os.ErrNotExist) || c.Status == task.Stopped || time.Now().After(deadline) {
			return r, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// follower turns one spool's records into events.
type follower struct {
	engine *Engine
	spec   task.LogSpec
	source string
	spool  *spool.Reader
	lines  *joiner
	log    *slog.Logger
	lost   bool // the group is gone, said once
}

func newFollower(e *Engine, c task.Container, r *spool.Reader, log *slog.Logger) (*follower, error) {
	lines, err := newJoiner(c.Log.MultilineStart)
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.Name, err)
	}
	return &follower{engine: e, spec: c.Log, source: c.ID, spool: r, lines: lines, log: log}, nil
}

// run ends with io.EOF when the container's output is over and stored.
func (f *follower) run(ctx context.Context) error {
	for {
		end, err := f.fill(ctx)
		if err != nil {
			return err
		}
		if err := f.store(ctx); err != nil {
			return err
		}
		if end {
			return io.EOF
		}
	}
}

// fill reads records until there is a batch to store. It reports the end of the output.
func (f *follower) fill(ctx context.Context) (end bool, err error) {
	for !f.lines.full() {
		rec, err := f.spool.Read()
		if errors.Is(err, spool.ErrEmpty) {
			switch {
			case len(f.lines.ready) > 0:
				return false, nil
			case f.lines.open():
				rec, err = f.nextWithin(ctx, joinWait)
				if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
					f.lines.flush()
					return false, nil
				}
			default:
				rec, err = f.spool.Next(ctx)
			}
		}
		if errors.Is(err, io.EOF) {
			f.lines.flush()
			return true, nil
		}
		if err != nil {
			return false, err
		}
		f.lines.add(rec, f.spool.Offset())
	}
	return false, nil
}

func (f *follower) nextWithin(ctx context.Context, d time.Duration) (spool.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f.spool.Next(ctx)
}

func (f *follower) store(ctx context.Context) error {
	batch, offset := f.lines.take()
	if len(batch) == 0 {
		return nil
	}
	g, s, err := f.engine.Ensure(ctx, f.spec.Account, f.spec.Region, f.spec.Group, f.spec.Stream, f.spec.CreateGroup)
	var missing *awserr.Error
	if errors.As(err, &missing) {
		if !f.lost {
			f.log.Warn("log group is gone, output is dropped", "group", f.spec.Group)
			f.lost = true
		}
		return f.spool.Release(offset)
	}
	if err != nil {
		return err
	}
	f.lost = false
	if err := f.engine.append(ctx, g, s, batch, f.source, offset); err != nil {
		return err
	}
	return f.spool.Release(offset)
}
