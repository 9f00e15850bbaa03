package control

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/spool"
)

// source is what one container said. It reads no further ahead than a page.
type source interface {
	// next is the next line. Where there is none it waits until there is one or never will be, or returns an error at once. It may be
	// asked again afterwards.
	next(ctx context.Context, wait bool) (Line, error)
	close()
}

var errNoLine = errors.New("no further line yet")

// spooled reads the spool of a container.
type spooled struct {
	path   string
	as     Line
	reader *spool.Reader // nil until there is one
}

func (s *spooled) next(ctx context.Context, wait bool) (Line, error) {
	if err := s.open(ctx, wait); err != nil {
		return Line{}, err
	}
	rec, err := s.reader.Read()
	if errors.Is(err, spool.ErrEmpty) && wait {
		rec, err = s.reader.Next(ctx)
	}
	line := s.as
	line.Time, line.Stderr, line.Text = rec.Time, rec.Stream == spool.Stderr, string(rec.Line)
	return line, err
}

// open opens the spool, which a container that is being started does not have yet.
func (s *spooled) open(ctx context.Context, wait bool) (err error) {
	for s.reader == nil {
		if s.reader, err = spool.Open(s.path, 0); err == nil {
			return nil
		}
		s.reader = nil
		if !wait || !errors.Is(err, os.ErrNotExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func (s *spooled) close() {
	if s.reader != nil {
		s.reader.Close()
	}
}

// lookAgain is the time between two looks for new events of a stream.
const lookAgain = 200 * time.Millisecond

// streamed reads a log stream page by page.
type streamed struct {
	read  func(after *logs.Place) (logs.Page, error)
	as    Line
	page  []logs.Event
	after *logs.Place
}

func (s *streamed) next(ctx context.Context, wait bool) (Line, error) {
	for len(s.page) == 0 {
		page, err := s.read(s.after)
		switch {
		case len(page.Events) > 0:
			s.page, s.after = page.Events, &page.Last
			continue
		case !wait:
			return Line{}, cmp.Or(err, errNoLine)
		}
		select { // a group that is missing may be made again
		case <-ctx.Done():
			return Line{}, ctx.Err()
		case <-time.After(lookAgain):
		}
	}
	line := s.as
	line.Time, line.Text = time.UnixMilli(s.page[0].Timestamp), strings.TrimSuffix(s.page[0].Message, "\n")
	s.page = s.page[1:]
	return line, nil
}

func (s *streamed) close() {}

// ahead is a source that was read one line ahead.
type ahead struct {
	source
	line  Line
	order int // among those that spoke at the same moment
}

// merge hands what sources have said to write, in the order of time, until a line is of after limit (none where that is zero). Lines that
// were read by then come back, for whom reads on.
func merge(ctx context.Context, sources []source, limit time.Time, write func(Line) error) (pending map[source]Line, err error) {
	var h heads
	for i, s := range sources {
		if line, err := s.next(ctx, false); err == nil {
			h = append(h, ahead{s, line, i})
		}
	}
	heap.Init(&h)
	for len(h) > 0 && ctx.Err() == nil && (limit.IsZero() || !h[0].line.Time.After(limit)) {
		if err := write(h[0].line); err != nil {
			return nil, err
		}
		var over error
		if h[0].line, over = h[0].next(ctx, false); over != nil {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	pending = map[source]Line{}
	for _, a := range h {
		pending[a.source] = a.line
	}
	return pending, ctx.Err()
}

// heads is the heap of a merge, the oldest line first.
type heads []ahead

func (h heads) Len() int { return len(h) }
func (h heads) Less(i, j int) bool {
	return cmp.Or(h[i].line.Time.Compare(h[j].line.Time), cmp.Compare(h[i].order, h[j].order)) < 0
}
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)   { *h = append(*h, x.(ahead)) }
func (h *heads) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	*h = (*h)[:last]
	return a
}
