package control

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/logs"
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

// serveLogs streams what containers said, in the order of time: ?task=WORD&container=NAME&follow=1. What they say while a client follows
// comes as they say it.
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
	known := map[string]bool{}
	if !follow {
		sources := c.sources(ctx, found, container, known)
		defer closeAll(sources)
		_, _ = merge(ctx, sources, time.Time{}, out.write) // a client that has gone misses nothing
		return nil
	}
	if out.flush() != nil { // the client learns that it is being served
		return nil
	}
	watch := c.store.Watch(c.tables.tasks.Tasks)
	defer watch.Close()
	for {
		sources := c.sources(ctx, c.find(word), container, known)
		pending, err := merge(ctx, sources, time.Now(), out.say)
		if err != nil {
			closeAll(sources)
			return nil
		}
		for _, s := range sources {
			first, read := pending[s]
			wg.Go(func() {
				defer s.close()
				if !read || out.say(first) == nil {
					out.follow(ctx, s)
				}
			})
		}
		if _, err := watch.Next(ctx); err != nil {
			return nil // the client has gone
		}
	}
}

// pageEvents is how many events of log streams are held at a time for a client, all streams taken together; at least leastEvents of each.
const (
	pageEvents  = 10_000
	leastEvents = 16
)

// sources are the containers of tasks that are not known yet.
func (c *core) sources(ctx context.Context, tasks []*task.Task, container string, known map[string]bool) (out []source) {
	page := max(pageEvents/max(len(tasks), 1), leastEvents)
	for _, t := range tasks {
		for _, x := range t.Containers {
			if x.ID == "" || known[x.ID] || container != "" && x.Name != container {
				continue
			}
			known[x.ID] = true
			as := Line{Task: t.ID, Container: x.Name}
			if x.Log.Driver == "awslogs" { // what has gone to its log stream is no longer in the spool
				out = append(out, &streamed{as: as, read: func(after *logs.Place) (logs.Page, error) { return c.stored(ctx, x.Log, after, page) }})
				continue
			}
			out = append(out, &spooled{as: as, path: c.machine.Spool(x.ID)})
		}
	}
	return out
}

func closeAll(sources []source) {
	for _, s := range sources {
		s.close()
	}
}

// lines writes lines of several containers to one client.
type lines struct {
	mu    sync.Mutex
	to    io.Writer
	flush func() error
}

// follow writes what a source says from now on.
func (l *lines) follow(ctx context.Context, s source) {
	for {
		line, err := s.next(ctx, true)
		if err != nil || l.say(line) != nil {
			return
		}
	}
}

// stored reads what follows a place in a container's log stream.
func (c *core) stored(ctx context.Context, spec task.LogSpec, after *logs.Place, most int) (logs.Page, error) {
	tx := c.store.View()
	g, err := c.logs.Group(tx, spec.Account, spec.Region, spec.Group)
	if err != nil {
		return logs.Page{}, err
	}
	s, err := c.logs.Stream(tx, g, spec.Stream)
	if err != nil {
		return logs.Page{}, err
	}
	return c.logs.Read(ctx, s, logs.Read{After: after, Head: true, Limit: most})
}

func (l *lines) write(line Line) error { return json.NewEncoder(l.to).Encode(line) }

// say writes a line that the client is to see at once, whoever else is writing.
func (l *lines) say(line Line) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.write(line); err != nil {
		return err
	}
	return l.flush()
}
