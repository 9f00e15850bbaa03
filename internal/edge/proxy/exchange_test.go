package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestForward(t *testing.T) {
	b := newBench(t, name(t, "one"), name(t, "two"))
	seen := map[string]int{}
	for range 10 {
		status, body := get(t, b.url())
		if status != 200 {
			t.Fatal(status)
		}
		seen[body]++
	}
	if seen["one"] != 5 || seen["two"] != 5 {
		t.Errorf("round robin sent %v", seen)
	}
}

func TestBodies(t *testing.T) {
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/close":
			w.Header().Set("Connection", "close")
		}
		w.Write(body)
	})
	b := newBench(t, target)
	for _, path := range []string{"/sized", "/chunked", "/close"} {
		for _, n := range []int{0, 1, 1000, 8 << 10, 64 << 10, 3 << 20} {
			want := strings.Repeat("x", n)
			for _, sized := range []bool{true, false} {
				var body io.Reader = strings.NewReader(want)
				if !sized {
					body = io.MultiReader(body)
				}
				resp, err := http.Post(b.url()+path, "text/plain", body)
				if err != nil {
					t.Fatalf("%s %d sized=%v: %v", path, n, sized, err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(got) != want {
					t.Errorf("%s %d sized=%v: %d octets, %v", path, n, sized, len(got), err)
				}
			}
		}
	}
}

func TestNoTargets(t *testing.T) {
	b := newBench(t)
	resp, err := http.Get(b.url())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 503 || resp.Header.Get("Server") != "awselb/2.0" || resp.ContentLength != 162 || len(body) != 162 {
		t.Errorf("%v %q", resp, body)
	}
	if n := b.engine.Counters().TargetGroups[0].Unroutable; n != 1 {
		t.Errorf("unroutable %d", n)
	}
	_ = edgeapi.Snapshot{}
}
