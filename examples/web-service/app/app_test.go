package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	upstream := httptest.NewServer(newApp("v7", "", nil).handler())
	defer upstream.Close()
	crashed := -1
	s := httptest.NewServer(newApp("v1", upstream.URL, func(code int) { crashed = code }).handler())
	defer s.Close()
	for _, c := range []struct {
		path string
		code int
		text string
	}{
		{"/", 200, "version v1\nhostname "},
		{"/api/", 200, "version v1\nhostname "},
		{"/api/nowhere", 404, ""},
		{"/healthz", 200, "ok"},
		{"/api/health", 200, "ok"},
		{"/call", 200, "version v7"},
		{"/slow?ms=1", 200, "after 1ms"},
		{"/fail", 500, "Internal"},
		{"/fail?code=503", 503, "Unavailable"},
		{"/fail?code=9", 400, "between"},
		{"/burn?ms=1", 200, "rounds"},
		{"/alloc?mb=1", 200, "1 MiB"},
		{"/alloc?mb=2", 200, "3 MiB"},
		{"/nowhere", 404, ""},
		{"/crash", 200, ""},
	} {
		resp, err := http.Get(s.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.code || !strings.Contains(string(b), c.text) {
			t.Errorf("%s: %d %q", c.path, resp.StatusCode, b)
		}
	}
	if crashed != 1 {
		t.Errorf("/crash ended with %d", crashed)
	}
}

func TestJSON(t *testing.T) {
	s := httptest.NewServer(newApp("v2", "", nil).handler())
	defer s.Close()
	req, _ := http.NewRequest("GET", s.URL, nil)
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var h Hello
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	if h.Version != "v2" || h.Hostname == "" || h.Address != "127.0.0.1" {
		t.Errorf("%+v", h)
	}
}

func TestStopFinishesWhatItHasBegun(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newApp("v1", "", nil).serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	if _, err := http.Get(url + "/healthz"); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Get(url + "/slow?ms=300")
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- resp.Status
	}()
	time.Sleep(100 * time.Millisecond) // let the request arrive
	stop()
	if resp, err := http.Get(url + "/healthz"); err != nil || resp.StatusCode != 200 {
		t.Errorf("a request while another is under way: %v", err)
	}
	if got := <-answered; got != "200 OK" {
		t.Errorf("a request under way got %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("it still listens")
	}
}
