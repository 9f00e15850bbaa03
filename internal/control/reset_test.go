package control

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// atOnce is how many resets are asked for at the same time. They are done one after the other, and each has its limit.
const (
	atOnce  = 6
	resetIn = atOnce * resetLimit
)

func reset(t *testing.T, p *Platform) {
	t.Helper()
	begin := time.Now()
	client := http.Client{Timeout: resetIn}
	res, err := client.Post(p.Endpoint()+"/_neargate/reset", "", nil)
	if err != nil {
		t.Errorf("reset: %v", err)
		return
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Errorf("reset: %s after %v: %s", res.Status, time.Since(begin), text)
	}
}

// TestResetsAtOnce: test suites that share a platform reset it at the same time.
func TestResetsAtOnce(t *testing.T) {
	p := running(t)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() { reset(t, p) })
	}
	wg.Wait()
}

// TestResetWithIdleClients: clients that neither send nor read do not keep a reset waiting.
func TestResetWithIdleClients(t *testing.T) {
	p := running(t)
	for _, length := range []int{100, 100_000} {
		conn, err := net.Dial("tcp", p.config.Listen)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.ListClusters\r\n"+
			"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", p.config.Listen, length)
		if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, "100") { // it waits for the body
			t.Fatalf("%q %v", line, err)
		}
	}
	follow, err := http.Get(p.Endpoint() + "/_neargate/logs?task=none&follow=1")
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Body.Close()
	reset(t, p)
	reset(t, p)
}

// TestResetKeepsConnections: a client that was being served goes on with its connection.
func TestResetKeepsConnections(t *testing.T) {
	p := running(t)
	follow, err := http.Get(p.Endpoint() + "/_neargate/logs?task=none&follow=1")
	if err != nil {
		t.Fatal(err)
	}
	defer follow.Body.Close()
	reset(t, p)
	if rest, err := io.ReadAll(follow.Body); len(rest) > 0 || err != nil { // read to its end, the connection is free again
		t.Fatalf("%s %v", rest, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Endpoint(), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.CreateCluster")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("after a reset: %s", res.Status)
	}
}
