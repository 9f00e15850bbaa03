// Command target is what the end-to-end tests of load balancers have behind them, and what runs beside them as a client inside the VPC.
//
// Without words it serves, and calls itself $NAME:
//
//	8080  HTTP/1.1, and WebSocket at /socket
//	8081  HTTP/2 by prior knowledge
//	8443  HTTP/1.1 and HTTP/2 over TLS, with a certificate of its own
//	9090  gRPC: test.Words and the health service
//	7000  TCP: a line that says who answers whom, then what it is sent; 7003 too
//	7001  the same behind Proxy Protocol version 2
//	7002  UDP: a datagram that says who answers whom and what
//
// With words it is a client:
//
//	tcp ADDRESS        the line
//	udp ADDRESS        the datagram
//	resolve NAME       the addresses
//	get URL            the page
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

var name = os.Getenv("NAME")

func main() {
	log.SetFlags(0)
	if len(os.Args) == 3 {
		answer, err := ask(os.Args[1], os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	for _, serve := range []func() error{
		func() error { return serveHTTP(ctx, ":8080") },
		func() error { return serveHTTP2(":8081") },
		func() error { return serveTLS(":8443") },
		func() error { return serveGRPC(":9090") },
		func() error { return serveTCP(":7000", plain) },
		func() error { return serveTCP(":7001", behindProxy) },
		func() error { return serveUDP(":7002") },
		func() error { return serveTCP(":7003", plain) },
	} {
		go func() { ended <- serve() }()
	}
	log.Fatal(<-ended)
}

// patience is how long a client waits for anything.
const patience = 30 * time.Second

func ask(word, where string) (string, error) {
	switch word {
	case "resolve":
		addresses, err := net.LookupHost(where)
		slices.Sort(addresses)
		return strings.Join(addresses, " "), err
	case "get":
		res, err := (&http.Client{Timeout: patience}).Get(where)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		return strings.TrimSpace(string(page)), err
	}
	c, err := net.DialTimeout(word, where, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if word == "udp" {
		if _, err := fmt.Fprint(c, "hello"); err != nil {
			return "", err
		}
	}
	buf := make([]byte, 512)
	n, err := c.Read(buf)
	return strings.TrimSpace(string(buf[:n])), err
}
