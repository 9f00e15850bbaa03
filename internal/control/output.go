package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/task"
)

// Line is one line of a container's output, as /_neargate/logs streams them.
type Line struct {
	Time      time.Time
	Task      string
	Container string
	Stderr    bool `json:",omitempty"`
	Text      string
}

// find returns the tasks that a word means: a task's id or the start of it, or
// the name of a service, a family or a cluster.
func (c *core) find(word string) []*task.Task {
	tx := c.store.View()
	var out []*task.Task
	for t := range c.tables.tasks.Tasks.All(tx, "") {
		family, _, _ := strings.Cut(lastPart(t.DefinitionARN), ":")
		if strings.HasPrefix(t.ID, word) || t.ARN == word || t.Group == word || t.Group == "service:"+word || family == word || lastPart(t.ClusterARN) == word {
			out = append(out, t)
		}
	}
	return out
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// serveLogs streams what containers said: ?task=WORD&container=NAME&follow=1.
func (c *core) serveLogs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	follow := q.Get("follow") == "1"
	word, container := q.Get("task"), q.Get("container")
	found := c.find(word)
	if len(found) == 0 && !follow {
		return &refusal{http.StatusNotFound, "no task, service, family or cluster is called " + strconv.Quote(word)}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := &lines{to: w, flush: http.NewResponseController(w).Flush}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	reading := map[string]bool{}
	read := func(t *task.Task) {
		for _, x := range t.Containers {
			if x.ID == "" || reading[x.ID] || container != "" && x.Name != container {
				continue
			}
			reading[x.ID] = true
			as := Line{Task: t.ID, Container: x.Name}
			if x.Log.Driver == "awslogs" { // what has gone to its log stream is no longer in the spool
				wg.Go(func() {
					out.copyStream(ctx, func(after *logs.Place) (logs.Page, error) { return c.stored(ctx, x.Log, after) }, as, follow)
				})
				continue
			}
			wg.Go(func() { out.copy(ctx, c.machine.Spool(x.ID), as, follow) })
		}
	}
	if !follow {
		for _, t := range found {
			read(t)
		}
		wg.Wait()
		return nil
	}
	if err := out.flush(); err != nil { // the client learns that it is being served
		return nil
	}
	watch := c.store.Watch(c.tables.tasks.Tasks)
	defer watch.Close()
	for {
		for _, t := range c.find(word) {
			read(t)
		}
		if _, err := watch.Next(ctx); err != nil {
			return nil // the client has gone
		}
	}
}

// lines writes lines of several containers to one client.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	flush func() error
}

func (l *lines) copy(ctx context.Context, path string, as Line, follow bool) {
	r, err := spool.Open(path, 0)
	for wait := 50 * time.Millisecond; follow && errors.Is(err, os.ErrNotExist); r, err = spool.Open(path, 0) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	if err != nil {
		return
	}
	defer r.Close()
	for {
		rec, err := r.Read()
		if errors.Is(err, spool.ErrEmpty) && follow {
			rec, err = r.Next(ctx)
		}
		if err != nil {
			return
		}
		as.Time, as.Stderr, as.Text = rec.Time, rec.Stream == spool.Stderr, string(rec.Line)
		if l.write(as) != nil {
			return
		}
	}
}

// stored reads what follows a place in a container's log stream.
func (c *core) stored(ctx context.Context, spec task.LogSpec, after *logs.Place) (logs.Page, error) {
	tx := c.store.View()
	g, err := c.logs.Group(tx, spec.Account, spec.Region, spec.Group)
	if err != nil {
		return logs.Page{}, err
	}
	s, err := c.logs.Stream(tx, g, spec.Stream)
	if err != nil {
		return logs.Page{}, err
	}
	return c.logs.Read(ctx, s, logs.Read{After: after, Head: true})
}

// lookAgain is the time between two looks for new events of a stream.
const lookAgain = 200 * time.Millisecond

// copyStream copies events page by page. A group that is missing may be made again.
func (l *lines) copyStream(ctx context.Context, read func(after *logs.Place) (logs.Page, error), as Line, follow bool) {
	var after *logs.Place
	for {
		page, err := read(after)
		if err != nil && !follow {
			return
		}
		for _, e := range page.Events {
			as.Time, as.Text = time.UnixMilli(e.Timestamp), strings.TrimSuffix(e.Message, "\n")
			if l.write(as) != nil {
				return
			}
		}
		if len(page.Events) > 0 {
			after = &page.Last
			continue
		}
		if !follow {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}

func (l *lines) write(line Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := json.NewEncoder(l.to).Encode(line); err != nil {
		return err
	}
	return l.flush()
}
