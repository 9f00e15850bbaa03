package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience is how long a request may go without its answer.
const patience = 10 * time.Second

// asker sends one request again and again over a connection that it keeps as long as the server does. It does as little as an
// HTTP/1.1 client can: what it takes of the machine's time, the server under test does not get.
type asker struct {
	address string
	request []byte // whole, as it goes over the wire
	conn    net.Conn
	answers *bufio.Reader
}

// ask sends the request once. Anything but a 200 is an error; nothing is tried twice.
func (a *asker) ask() error {
	if a.conn == nil {
		c, err := net.DialTimeout("tcp", a.address, patience)
		if err != nil {
			return err
		}
		a.conn, a.answers = c, bufio.NewReader(c)
	}
	over, err := a.exchange()
	if err != nil || over {
		a.close()
	}
	return err
}

// exchange sends the request and reads the answer. It tells whether the server closes the connection after it.
func (a *asker) exchange() (over bool, err error) {
	if err := a.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return true, err
	}
	if _, err := a.conn.Write(a.request); err != nil {
		return true, fmt.Errorf("write: %w", err)
	}
	answer, err := http.ReadResponse(a.answers, nil)
	if err != nil {
		return true, fmt.Errorf("read: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return true, fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return true, fmt.Errorf("read body: %w", err)
	}
	return answer.Close, nil
}

func (a *asker) close() {
	if a.conn != nil {
		a.conn.Close()
		a.conn = nil
	}
}
