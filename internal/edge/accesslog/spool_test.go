package accesslog

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

const balancer = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/50dc6c495c0c9188"

var node = netip.MustParseAddr("10.0.0.7")

type text string

func (t text) AppendLine(b []byte) []byte { return append(b, t...) }

func open(t *testing.T, c Config) *Spool {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logOf(t *testing.T, s *Spool) *Log {
	t.Helper()
	l, err := s.Log(edgeapi.LogAccess, balancer, node)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// files are the contents of a directory's files with an extension, in order of their names.
func files(t *testing.T, dir, extension string) (out []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

func TestFileIsClosedWhenItsIntervalIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		l := logOf(t, s)
		start := time.Now()
		l.Write(text("one"))
		time.Sleep(2 * flushEvery)
		if got := files(t, dir, openExtension); len(got) != 1 || got[0] != "one\n" {
			t.Errorf("open: %q", got)
		}
		time.Sleep(Interval)
		l.Write(text("two"))
		time.Sleep(2 * flushEvery)
		if got := files(t, dir, edgeapi.LogExtension); len(got) != 1 || got[0] != "one\n" {
			t.Errorf("closed: %q", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := files(t, dir, edgeapi.LogExtension); len(got) != 2 || got[1] != "two\n" {
			t.Errorf("closed at the end: %q", got)
		}
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		f, err := edgeapi.ParseLogFile(strings.TrimSuffix(filepath.Base(names[0]), edgeapi.LogExtension))
		if err != nil || f.ARN() != balancer || f.Node != node || !f.End.Equal(start.Truncate(Interval).Add(Interval)) || f.Kind != edgeapi.LogAccess {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

func TestFileOfKilledEdgeIsClosedAtItsLastWholeLine(t *testing.T) {
	dir := t.TempDir()
	f, err := edgeapi.NewLogFile(edgeapi.LogAccess, balancer, node)
	if err != nil {
		t.Fatal(err)
	}
	for second, content := range []string{"one\ntwo\nthr", "half"} {
		f.Start = time.Unix(int64(second), 0)
		if err := os.WriteFile(filepath.Join(dir, f.Name()+openExtension), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, Config{Dir: dir})
	if got := files(t, dir, ""); len(got) != 1 || got[0] != "one\ntwo\n" {
		t.Errorf("%q", got)
	}
}

func TestFullDirectoryCostsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, Config{Dir: dir, MaxDisk: 1000})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		l := logOf(t, s)
		for range 20 {
			l.Write(text(strings.Repeat("x", 99)))
			time.Sleep(flushEvery)
		}
		time.Sleep(flushEvery)
		if got := files(t, dir, ""); len(got) != 1 || len(got[0]) != 1000 {
			t.Errorf("%d files, first of %d octets", len(got), len(got[0]))
		}
		if s.Dropped() != 10 {
			t.Errorf("%d dropped", s.Dropped())
		}
		time.Sleep(Interval)
		for _, p := range closedFiles(t, dir) { // delivered
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		}
		l.Write(text("again"))
		time.Sleep(2 * flushEvery)
		if got := files(t, dir, openExtension); len(got) != 1 || got[0] != "again\n" {
			t.Errorf("%q", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func closedFiles(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+edgeapi.LogExtension))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestPendingLinesAreBounded(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	l := logOf(t, s)
	line := text(strings.Repeat("x", 1<<20-1))
	for range 6 {
		l.Write(line)
	}
	if len(l.pending) != maxPending || s.Dropped() != 2 {
		t.Errorf("%d pending, %d dropped", len(l.pending), s.Dropped())
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			l, err := s.Log(edgeapi.LogAccess, balancer, node)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 1000 {
				l.Write(text(fmt.Sprintf("%d %d", w, i)))
			}
		})
	}
	writers.Wait()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(strings.Join(files(t, dir, edgeapi.LogExtension), ""), "\n"); n != 8000 {
		t.Errorf("%d lines", n)
	}
}

func TestNilLogTakesNothing(t *testing.T) {
	var s *Spool
	l, err := s.Log(edgeapi.LogAccess, balancer, node)
	if l != nil || err != nil {
		t.Error(l, err)
	}
	l.Write(text("x"))
}

func BenchmarkWrite(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	l, err := s.Log(edgeapi.LogAccess, balancer, node)
	if err != nil {
		b.Fatal(err)
	}
	e := sample(&testing.T{})
	b.ReportAllocs()
	for b.Loop() {
		l.Write(&e)
	}
	stop()
	<-done
	b.ReportMetric(float64(s.Dropped())/float64(b.N), "dropped/op")
}
