package object

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// writerDir, when set in the environment, makes the test binary a process that writes objects there until it is killed.
const writerDir = "NEARGATE_TEST_OBJECTS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeForever(dir)
	}
	os.Exit(m.Run())
}

// writeForever prints what it did once that is acknowledged, and never before.
func writeForever(dir string) {
	e, err := openAt(dir, 1)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b := &Bucket{Name: "bucket", ID: 1}
	var out sync.Mutex
	say := func(err error, format string, args ...any) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	for w := range 4 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d", w, i%20) // written over and over
				d, err := e.Receive(bytes.NewReader(noise(rand.IntN(200_000))))
				if err == nil {
					say(nil, "begin %s", key)
					var v *Version
					if v, err = e.Put(b, key, d, Attributes{}, Condition{}); err == nil {
						say(nil, "put %s %s", key, v.ETag)
						continue
					}
				}
				say(err, "")
			}
		}()
	}
	time.Sleep(time.Minute) // an orphan's end, should the parent die first
	os.Exit(1)
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// Every acknowledged object is there whole after kill -9, unless one that was being put has taken its place; and there are no
// files beside those of objects.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged, open := map[string]string{}, map[string]bool{}
	for _, life := range []int{1, 30, 300} {
		for _, line := range killAfter(t, dir, life) {
			words := strings.Fields(line)
			if words[0] == "begin" {
				open[words[1]] = true
				continue
			}
			delete(open, words[1])
			acknowledged[words[1]] = words[2]
		}
		e, err := openAt(dir, 1)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Engine: e, dir: dir, bucket: &Bucket{Name: "bucket", ID: 1}}
		page, err := w.List(t.Context(), w.bucket, ListQuery{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]bool{}
		for _, v := range page.Objects {
			listed[v.Key] = true
			if sum := fmt.Sprintf("%x", md5.Sum([]byte(w.read(t, v.Key, "")))); sum != v.ETag {
				t.Errorf("%s is %s, not %s", v.Key, sum, v.ETag)
			}
			if v.ETag != acknowledged[v.Key] && !open[v.Key] {
				t.Errorf("%s is not what was acknowledged", v.Key)
			}
			acknowledged[v.Key] = v.ETag
		}
		for key := range acknowledged {
			if !listed[key] {
				t.Errorf("%s is lost", key)
			}
		}
		if n := w.files(t); n != len(page.Objects) {
			t.Errorf("%d files of %d objects", n, len(page.Objects))
		}
		clear(open)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < 20 {
		t.Errorf("only %d objects", len(acknowledged))
	}
}

// killAfter runs a writer, kills it after it has acknowledged so many objects, and returns what it said.
func killAfter(t *testing.T, dir string, puts int) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := osexec.CommandContext(ctx, os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), writerDir+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for seen := 0; ; {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what was cut off was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(line))
		if strings.HasPrefix(line, "put ") {
			if seen++; seen == puts {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return lines
}
