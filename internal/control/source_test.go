package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/spool"
)

// TestStreamed reads a log stream page by page to its end.
func TestStreamed(t *testing.T) {
	pages := []logs.Page{
		{Events: []logs.Event{{Timestamp: 1, Message: "one"}, {Timestamp: 2, Message: "two\n"}}, Last: logs.Place{Timestamp: 2, Seq: 1}},
		{Events: []logs.Event{{Timestamp: 3, Message: "three"}}, Last: logs.Place{Timestamp: 3, Seq: 1}},
		{},
	}
	var asked []*logs.Place
	s := &streamed{as: Line{Task: "t"}, read: func(after *logs.Place) (logs.Page, error) {
		asked = append(asked, after)
		return pages[len(asked)-1], nil
	}}
	var said []string
	line, err := s.next(t.Context(), false)
	for ; err == nil; line, err = s.next(t.Context(), false) {
		said = append(said, fmt.Sprint(line.Task, line.Time.UnixMilli(), line.Text))
	}
	if want := []string{"t1one", "t2two", "t3three"}; !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
	if len(asked) != 3 || asked[0] != nil || *asked[2] != pages[1].Last {
		t.Errorf("read from %v", asked)
	}
	s = &streamed{read: func(*logs.Place) (logs.Page, error) { return logs.Page{}, errors.New("no such group") }}
	if _, err := s.next(t.Context(), false); err == nil {
		t.Error("a line of nothing")
	}
}

// TestStreamedWaits: who follows gets what comes later, also where the group is missing at first.
func TestStreamedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []error{errors.New("no such group"), nil}
		s := &streamed{read: func(*logs.Place) (logs.Page, error) {
			if len(answers) > 0 {
				err := answers[0]
				answers = answers[1:]
				return logs.Page{}, err
			}
			return logs.Page{Events: []logs.Event{{Timestamp: 1, Message: "late"}}}, nil
		}}
		if line, err := s.next(t.Context(), true); err != nil || line.Text != "late" {
			t.Errorf("%+v, %v", line, err)
		}
	})
}

// told is a source of lines at certain seconds, that knows how many were taken.
type told struct {
	name  string
	at    []int
	taken int
}

func (s *told) next(context.Context, bool) (Line, error) {
	if s.taken == len(s.at) {
		return Line{}, errNoLine
	}
	s.taken++
	return Line{Time: time.Unix(int64(s.at[s.taken-1]), 0), Text: fmt.Sprint(s.name, s.at[s.taken-1])}, nil
}

func (s *told) close() {}

// TestMerge: lines of several containers come in the order of time, and none is taken much earlier than it is written.
func TestMerge(t *testing.T) {
	for limit, want := range map[int]string{
		0: "b1 a2 a3 b3 c3 a4 c5 b7 a9 a10",
		4: "b1 a2 a3 b3 c3 a4",
	} {
		a, b, c := &told{name: "a", at: []int{2, 3, 4, 9, 10}}, &told{name: "b", at: []int{1, 3, 7}}, &told{name: "c", at: []int{3, 5}}
		sources := []source{a, b, &told{name: "silent"}, c}
		until := time.Time{}
		if limit > 0 {
			until = time.Unix(int64(limit), 0)
		}
		var got []string
		pending, err := merge(t.Context(), sources, until, func(l Line) error {
			got = append(got, l.Text)
			if ahead := a.taken + b.taken + c.taken - len(got); ahead > len(sources) {
				t.Errorf("%d lines are taken and not written", ahead)
			}
			return nil
		})
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("until %d: %q, %v", limit, got, err)
		}
		// Nothing is lost for those who read on.
		for _, s := range []*told{a, b, c} {
			line, read := pending[s]
			if read != (limit > 0) || read && line.Text != fmt.Sprint(s.name, s.at[s.taken-1]) {
				t.Errorf("until %d: %q of %s, %v", limit, line.Text, s.name, read)
			}
		}
	}
	gone := errors.New("gone")
	if _, err := merge(t.Context(), []source{&told{at: []int{1, 2}}}, time.Time{}, func(Line) error { return gone }); !errors.Is(err, gone) {
		t.Error(err)
	}
}

// TestSpooled: what containers wrote by turns is shown by turns, and then what one of them goes on to say.
func TestSpooled(t *testing.T) {
	dir := t.TempDir()
	start := time.Now().Add(-time.Minute)
	var sources []source
	var writers []*spool.Writer
	for i := range 2 {
		path := filepath.Join(dir, fmt.Sprint(i))
		w, err := spool.Create(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for n := range 3 {
			if err := w.Append(spool.Record{Time: start.Add(time.Duration(2*n+i) * time.Second), Stream: spool.Stdout, Line: fmt.Append(nil, 2*n+i)}); err != nil {
				t.Fatal(err)
			}
		}
		writers = append(writers, w)
		sources = append(sources, &spooled{path: path})
	}
	sources = append(sources, &spooled{path: filepath.Join(dir, "none")})
	defer closeAll(sources)
	var out bytes.Buffer
	pending, err := merge(t.Context(), sources, time.Now(), func(l Line) error {
		_, err := out.WriteString(l.Text)
		return err
	})
	if err != nil || len(pending) > 0 || out.String() != "012345" {
		t.Errorf("%q, %v, %v", &out, pending, err)
	}
	if err := writers[0].Append(spool.Record{Time: start, Stream: spool.Stderr, Line: []byte("more")}); err != nil {
		t.Fatal(err)
	}
	if line, err := sources[0].next(t.Context(), true); err != nil || line.Text != "more" || !line.Stderr {
		t.Errorf("%+v, %v", line, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range sources[1:] {
		if _, err := s.next(over, true); !errors.Is(err, context.Canceled) {
			t.Errorf("waits for ever: %v", err)
		}
	}
}
