package main

import (
	"net"

	"github.com/neargate/neargate/bench/pinned"
)

// What a client asks a target for with its first octet.
const (
	askEcho     = 'e' // to echo what comes
	askDownload = 'd' // to send octets until the client has enough
	askUpload   = 'u' // to read octets until the client has no more
)

func startTarget(self string, o options) (*pinned.Process, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	return pinned.Start("target", o.others, address, []string{"GOMAXPROCS=1"}, self, targetVerb, address)
}

// serveTarget does what clients ask for, as cheaply as it can.
func serveTarget(args []string) error {
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c.(*net.TCPConn))
	}
}

func serve(c *net.TCPConn) {
	defer c.Close()
	var first [256]byte
	n, err := c.Read(first[:])
	if err != nil {
		return
	}
	switch first[0] {
	case askEcho:
		for err == nil {
			if _, err = c.Write(first[:n]); err == nil {
				n, err = c.Read(first[:])
			}
		}
	case askDownload:
		b := make([]byte, 1<<20)
		for err == nil {
			_, err = c.Write(b)
		}
	case askUpload:
		_, _ = discard(c)
	}
}
