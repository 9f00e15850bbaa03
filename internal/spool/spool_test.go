package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func create(t testing.TB, path string, max int64) *Writer {
	t.Helper()
	w, err := Create(path, max)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func open(t testing.TB, path string, offset int64) *Reader {
	t.Helper()
	r, err := Open(path, offset)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// lines reads what there is.
func lines(t testing.TB, r *Reader) (all []string, last error) {
	t.Helper()
	for {
		rec, err := r.Read()
		if err != nil {
			return all, err
		}
		all = append(all, string(rec.Line))
	}
}

func line(s string) Record {
	return Record{Time: time.Unix(1, 2), Stream: Stdout, Line: []byte(s)}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.log")
	w := create(t, path, 0)
	want := []Record{
		{Time: time.Unix(1, 0), Stream: Stdout, Line: []byte("one")},
		{Time: time.Unix(2, 5), Stream: Stderr, Line: []byte("")},
		{Time: time.Unix(3, 0), Stream: Stdout, Line: []byte("zwei\x00\xff"), Partial: true},
	}
	if err := w.Append(want...); err != nil {
		t.Fatal(err)
	}
	r := open(t, path, 0)
	for _, x := range want {
		got, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if !got.Time.Equal(x.Time) || got.Stream != x.Stream || got.Partial != x.Partial || !bytes.Equal(got.Line, x.Line) {
			t.Errorf("got %+v, want %+v", got, x)
		}
	}
	if _, err := r.Read(); !errors.Is(err, ErrEmpty) {
		t.Errorf("at the end of a live spool: %v", err)
	}
	w.Close()
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end of a closed spool: %v", err)
	}
	if got, _ := lines(t, open(t, path, 0)); len(got) != 3 {
		t.Errorf("a second reader sees %q", got)
	}
}

func TestWriterComesBack(t *testing.T) {
	for _, torn := range []string{"", "\x05\x00\x00", "\x05\x00\x00\x00aaaabbbbbbbb\x01xy", strings.Repeat("\xff", 100)} {
		path := filepath.Join(t.TempDir(), "c.log")
		w := create(t, path, 0)
		w.Append(line("before"))
		r := open(t, path, 0)
		lines(t, r)
		if torn == "" {
			w.Close()
			if _, err := r.Read(); err != io.EOF {
				t.Fatal(err)
			}
		} else {
			f, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			f.WriteString(torn)
			f.Close()
			if _, err := r.Read(); !errors.Is(err, ErrEmpty) {
				t.Fatalf("torn tail %q: %v", torn, err)
			}
		}
		create(t, path, 0).Append(line("after"))
		if got, _ := lines(t, open(t, path, 0)); fmt.Sprint(got) != "[before after]" {
			t.Errorf("torn tail %q: a new reader sees %q", torn, got)
		}
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.log")
	w := create(t, path, 0)
	r := open(t, path, 0)
	got := make(chan string)
	go func() {
		for {
			rec, err := r.Next(t.Context())
			if err != nil {
				got <- err.Error()
				return
			}
			got <- string(rec.Line)
		}
	}()
	for _, s := range []string{"a", "b"} {
		w.Append(line(s))
		if x := <-got; x != s {
			t.Fatalf("got %q", x)
		}
	}
	w.Close()
	if x := <-got; x != "EOF" {
		t.Fatalf("got %q", x)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, path, 0).Next(ctx); err != nil {
		t.Errorf("a record that is there needs no wait: %v", err)
	}
}

func TestReleaseFreesSpaceAndKeepsOffsets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.log")
	w := create(t, path, 0)
	var rec []Record
	for i := range 1000 {
		rec = append(rec, line(fmt.Sprintf("%04d %s", i, strings.Repeat("x", 500))))
	}
	w.Append(rec...)
	r := open(t, path, 0)
	for range 900 {
		r.Read()
	}
	at := r.Offset()
	before := held(t, path)
	if err := r.Release(at); err != nil {
		t.Fatal(err)
	}
	if after := held(t, path); after > before/5 {
		t.Errorf("%d bytes of %d left", after, before)
	}
	for _, from := range []int64{0, 5000, at} {
		got, _ := lines(t, open(t, path, from))
		if len(got) != 100 || !strings.HasPrefix(got[0], "0900 ") {
			t.Errorf("from %d: %d lines, first %.10q", from, len(got), got[:1])
		}
	}
	w.Append(line("more"))
	if got, _ := lines(t, r); len(got) != 101 {
		t.Errorf("%d lines", len(got))
	}
}

func TestNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.log")
	w := create(t, path, 1<<20)
	slow := open(t, path, 0)
	if _, err := slow.Read(); !errors.Is(err, ErrEmpty) {
		t.Fatal(err)
	}
	for i := range 10000 {
		if err := w.Append(line(fmt.Sprintf("%05d %s", i, strings.Repeat("y", 1000)))); err != nil {
			t.Fatal(err)
		}
	}
	if b := held(t, path); b > 2<<20 {
		t.Errorf("%d bytes on disk", b)
	}
	for name, r := range map[string]*Reader{"new": open(t, path, 0), "left behind": slow} {
		got, _ := lines(t, r)
		if len(got) < 700 || !strings.HasPrefix(got[len(got)-1], "09999") {
			t.Errorf("%s reader: %d lines", name, len(got))
		}
	}
}

// held is how many bytes of a file are no holes. Its blocks would not tell: some file systems set some aside beyond its end.
func held(t *testing.T, path string) (bytes int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for end := int64(0); ; {
		begin, err := f.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // there is none behind
			return bytes
		} else if err != nil {
			t.Fatal(err)
		}
		if end, err = f.Seek(begin, unix.SEEK_HOLE); err != nil {
			t.Fatal(err)
		}
		bytes += end - begin
	}
}

func TestCopySplitsLines(t *testing.T) {
	long := strings.Repeat("z", 3*MaxLine/2)
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a\nb\n", []string{"a", "b"}},
		{"a\r\n\nb", []string{"a", "", "b"}},
		{long + "\nend\n", []string{long[:MaxLine], long[MaxLine:], "end"}},
	} {
		for name, src := range map[string]io.Reader{
			"whole": strings.NewReader(c.in), "halves": iotest.HalfReader(strings.NewReader(c.in)), "data with error": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			path := filepath.Join(t.TempDir(), "c.log")
			w := create(t, path, 0)
			if err := w.Copy(Stderr, src); err != nil {
				t.Fatal(err)
			}
			got, _ := lines(t, open(t, path, 0))
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
				t.Errorf("%s %.20q: %d lines, want %d", name, c.in, len(got), len(c.want))
			}
		}
	}
}

func TestAnyChunksGiveTheSameLines(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.StringMatching(`[a-z ]{0,40}`)).Draw(t, "lines")
		chunks := rapid.SliceOfN(rapid.IntRange(1, 50), 1, 20).Draw(t, "chunks")
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		w, err := Create(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		text := strings.Join(want, "\n")
		if len(want) > 0 {
			text += "\n"
		}
		if err := w.Copy(Stdout, &chunked{strings.NewReader(text), chunks, 0}); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i, x := range want {
			if got, err := r.Read(); err != nil || string(got.Line) != x {
				t.Fatalf("line %d: %q, %v; want %q", i, got.Line, err, x)
			}
		}
		if _, err := r.Read(); !errors.Is(err, ErrEmpty) {
			t.Fatal(err)
		}
	})
}

type chunked struct {
	r     io.Reader
	sizes []int
	i     int
}

func (c *chunked) Read(p []byte) (int, error) {
	c.i++
	return c.r.Read(p[:min(len(p), c.sizes[c.i%len(c.sizes)])])
}

func FuzzParseFrame(f *testing.F) {
	f.Add(appendFrame(nil, line("hello")))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, n, v := parseFrame(b)
		if v != whole {
			return
		}
		if again := appendFrame(nil, rec); !bytes.Equal(again, b[:n]) {
			t.Errorf("%x reads as %+v, which writes as %x", b[:n], rec, again)
		}
	})
}

func BenchmarkCopy(b *testing.B) {
	w := create(b, filepath.Join(b.TempDir(), "c.log"), 0)
	text := strings.Repeat(strings.Repeat("l", 99)+"\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w.Copy(Stdout, strings.NewReader(text))
	}
}
