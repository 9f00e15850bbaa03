package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// Engine holds log groups, streams and their events.
type Engine struct {
	store  *state.Store
	tables *Tables
	events *events
	tails  tails
	clock  clock.Clock
	log    *slog.Logger
}

// Config is what an engine needs.
type Config struct {
	Store  *state.Store
	Tables *Tables
	Path   string // of the events' SQLite file
	Clock  clock.Clock
	Log    *slog.Logger
}

// Open opens or creates the events' file. Events of streams that are gone are removed: whoever deleted those was killed in between.
func Open(c Config) (*Engine, error) {
	ev, err := openEvents(c.Path)
	if err != nil {
		return nil, err
	}
	known := map[int64]bool{}
	for s := range c.Tables.Streams.All(c.Store.View(), "") {
		known[s.ID] = true
	}
	if err := ev.keep(context.Background(), known); err != nil {
		return nil, errors.Join(fmt.Errorf("log events %s: %w", c.Path, err), ev.close())
	}
	return &Engine{store: c.Store, tables: c.Tables, events: ev, clock: c.Clock, log: c.Log}, nil
}

// Close closes the events' file; call it when every loop and request has ended.
func (e *Engine) Close() error { return e.events.close() }

// Clear deletes every event. The store's rows are the caller's to delete.
func (e *Engine) Clear(ctx context.Context) error { return e.events.clear(ctx) }

func millis(t time.Time) int64 { return t.UnixMilli() }

// Group finds a log group by name.
func (e *Engine) Group(tx *state.Tx, account, region, name string) (*Group, error) {
	g, ok := e.tables.Groups.Get(tx, Key(account, region, name))
	if !ok {
		return nil, logsapi.ErrResourceNotFoundException.New("The specified log group does not exist.")
	}
	return g, nil
}

// Stream finds a log stream by name.
func (e *Engine) Stream(tx *state.Tx, g *Group, name string) (*Stream, error) {
	s, ok := e.tables.Streams.Get(tx, StreamKey(g.ID, name))
	if !ok {
		return nil, logsapi.ErrResourceNotFoundException.New("The specified log stream does not exist.")
	}
	return s, nil
}

// CreateGroup makes a log group; ID and Created are filled in.
func (e *Engine) CreateGroup(tx *state.Tx, g Group) error {
	if _, ok := e.tables.Groups.Get(tx, Key(g.Account, g.Region, g.Name)); ok {
		return logsapi.ErrResourceAlreadyExistsException.New("The specified log group already exists")
	}
	g.ID, g.Created = newID(), millis(e.clock.Now())
	e.tables.Groups.Put(tx, &g)
	return nil
}

// CreateStream makes a log stream.
func (e *Engine) CreateStream(tx *state.Tx, g *Group, name string) (*Stream, error) {
	if _, ok := e.tables.Streams.Get(tx, StreamKey(g.ID, name)); ok {
		return nil, logsapi.ErrResourceAlreadyExistsException.New("The specified log stream already exists")
	}
	s := &Stream{Group: g.ID, Name: name, ID: newID(), Created: millis(e.clock.Now())}
	e.tables.Streams.Put(tx, s)
	return s, nil
}

// DeleteGroup deletes a log group with its streams and events.
func (e *Engine) DeleteGroup(ctx context.Context, account, region, name string) error {
	var id int64
	err := e.store.Update(ctx, func(tx *state.Tx) error {
		g, err := e.Group(tx, account, region, name)
		if err != nil {
			return err
		}
		if g.Protected {
			return logsapi.ErrValidationException.New("The log group %s cannot be deleted because deletion protection is enabled. To delete the log group, first disable deletion protection.", name)
		}
		id = g.ID
		for s := range e.tables.Streams.All(tx, StreamKey(id, "")) {
			e.tables.Streams.Delete(tx, StreamKey(id, s.Name))
		}
		e.tables.Groups.Delete(tx, Key(account, region, name))
		return nil
	})
	if err != nil {
		return err
	}
	return e.events.dropGroup(ctx, id)
}

// DeleteStream deletes a log stream with its events.
func (e *Engine) DeleteStream(ctx context.Context, account, region, group, name string) error {
	var id int64
	err := e.store.Update(ctx, func(tx *state.Tx) error {
		g, err := e.Group(tx, account, region, group)
		if err != nil {
			return err
		}
		s, err := e.Stream(tx, g, name)
		if err != nil {
			return err
		}
		id = s.ID
		e.tables.Streams.Delete(tx, StreamKey(g.ID, name))
		return nil
	})
	if err != nil {
		return err
	}
	return e.events.dropStream(ctx, id)
}

// Span is the extent of a stream's events.
func (e *Engine) Span(ctx context.Context, s *Stream) (Span, error) { return e.events.span(ctx, s.ID) }

// StoredBytes is what a group's events take, as CloudWatch Logs counts it.
func (e *Engine) StoredBytes(ctx context.Context, g *Group) (int64, error) {
	return e.events.bytes(ctx, g.ID)
}

// Append adds events to a stream, in the order of their timestamps.
func (e *Engine) Append(ctx context.Context, g *Group, s *Stream, batch []Event) error {
	return e.append(ctx, g, s, batch, "", 0)
}

func (e *Engine) append(ctx context.Context, g *Group, s *Stream, batch []Event, source string, offset int64) error {
	now := millis(e.clock.Now())
	for i := range batch {
		batch[i].Ingested = now
	}
	if err := e.events.append(ctx, g.ID, s.ID, batch, source, offset); err != nil {
		return err
	}
	e.tails.publish(g, s, batch)
	return nil
}

// Ensure makes the stream a container writes to, and its group if create says
// so. A missing group is what makes a task with the awslogs driver fail to start.
func (e *Engine) Ensure(ctx context.Context, account, region, group, stream string, create bool) (*Group, *Stream, error) {
	tx := e.store.View()
	if g, err := e.Group(tx, account, region, group); err == nil {
		if s, err := e.Stream(tx, g, stream); err == nil {
			return g, s, nil
		}
	}
	if err := checkNames(group, stream); err != nil {
		return nil, nil, err
	}
	var g *Group
	var s *Stream
	err := e.store.Update(ctx, func(tx *state.Tx) (err error) {
		if g, err = e.Group(tx, account, region, group); err != nil && create {
			if err = e.CreateGroup(tx, Group{Account: account, Region: region, Name: group, Class: "STANDARD"}); err == nil {
				g, err = e.Group(tx, account, region, group)
			}
		}
		if err != nil {
			return err
		}
		if s, err = e.Stream(tx, g, stream); err != nil {
			s, err = e.CreateStream(tx, g, stream)
		}
		return err
	})
	return g, s, err
}
