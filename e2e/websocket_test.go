package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// websockets echo, bear silence shorter than the idle timeout and not longer, and are closed with the code their end gives.
func (f *fleet) websockets() {
	t := f.t
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	open := func() *websocket.Conn {
		t.Helper()
		c, res, err := websocket.Dial(ctx, "wss://"+appDomain+"/socket", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: f.transport("http/1.1")}, Subprotocols: []string{"other", "echo"},
		})
		if err != nil || c.Subprotocol() != "echo" || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%+v %v", res, err)
		}
		t.Cleanup(func() { c.CloseNow() })
		c.SetReadLimit(1 << 20)
		return c
	}
	echo := func(c *websocket.Conn, kind websocket.MessageType, message []byte) {
		t.Helper()
		if err := c.Write(ctx, kind, message); err != nil {
			t.Fatal(err)
		}
		if back, got, err := c.Read(ctx); err != nil || back != kind || !bytes.Equal(got, message) {
			t.Fatalf("%d octets come back as %d, %v", len(message), len(got), err)
		}
	}
	since := time.Now()
	forgotten, silence := open(), make(chan error, 1)
	var silent time.Duration
	go func() {
		_, _, err := forgotten.Read(ctx)
		silent = time.Since(since)
		silence <- err
	}()

	c := open()
	for range 20 {
		echo(c, websocket.MessageText, []byte("ümläut"))
	}
	echo(c, websocket.MessageBinary, bytes.Repeat([]byte{0, 1, 0xFF}, 100_000))
	time.Sleep(3 * time.Second) // half of the idle timeout
	echo(c, websocket.MessageText, []byte("still there"))
	if err := c.Write(ctx, websocket.MessageText, []byte("close 4001 as you like")); err != nil {
		t.Fatal(err)
	}
	_, _, err := c.Read(ctx)
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != 4001 || closed.Reason != "as you like" {
		t.Errorf("closed by the target: %v", err)
	}
	c = open()
	if err := c.Close(websocket.StatusGoingAway, "bye"); err != nil {
		t.Errorf("closed by the client: %v", err)
	}
	f.eventually(patience, "the target has seen the client's code", func() error {
		said := f.neargate("logs", id(f.arns["a"])) + f.neargate("logs", id(f.arns["b"]))
		if !strings.Contains(said, "close status 1001") {
			return errors.New(said)
		}
		return nil
	})

	// By default it would be a minute.
	if err := <-silence; err == nil || ctx.Err() != nil || silent < 5*time.Second || silent > 40*time.Second {
		t.Errorf("a connection that is silent for the idle timeout ends after %v: %v", silent, err)
	}
}

// events of a server arrive when they are sent, not when the answer is complete: each is sent once the one before has arrived.
func (f *fleet) events() {
	t := f.t
	for _, protocol := range []string{"http/1.1", "h2"} {
		c := &http.Client{Transport: f.transport(protocol), Timeout: loadPatience}
		res, err := c.Get("https://" + appDomain + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		events := 0
		lines := bufio.NewScanner(res.Body)
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), "id: ") {
				continue
			}
			if events++; events < 5 {
				if _, err := f.fetch(c, "https://"+appDomain+"/events/next"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if lines.Err() != nil || events != 5 {
			t.Errorf("%s: %d events arrived, %v", protocol, events, lines.Err())
		}
		c.CloseIdleConnections()
	}
}
