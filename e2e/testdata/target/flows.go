package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

// serveTCP greets every connection with a line of its own, then echoes.
func serveTCP(address string, greeting func(net.Conn, *bufio.Reader) (string, error)) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			r := bufio.NewReader(c)
			line, err := greeting(c, r)
			if err != nil {
				line = err.Error()
			}
			if _, err := fmt.Fprintln(c, line); err == nil {
				_, _ = io.Copy(c, r)
			}
		}()
	}
}

func plain(c net.Conn, _ *bufio.Reader) (string, error) {
	return fmt.Sprintf("%s answers %s", name, c.RemoteAddr()), nil
}

// signature begins a header of Proxy Protocol version 2.
const signature = "\r\n\r\n\x00\r\nQUIT\n"

// behindProxy tells the addresses of the header and of the connection.
func behindProxy(c net.Conn, r *bufio.Reader) (string, error) {
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	if string(head[:12]) != signature || head[12] != 0x21 || head[13] != 0x11 {
		return "", fmt.Errorf("no header of a TCP connection over IPv4: %q", head)
	}
	rest := make([]byte, binary.BigEndian.Uint16(head[14:]))
	if _, err := io.ReadFull(r, rest); err != nil {
		return "", err
	}
	if len(rest) < 12 {
		return "", errors.New("no addresses")
	}
	at := func(ip, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[ip:])), binary.BigEndian.Uint16(rest[port:]))
	}
	return fmt.Sprintf("%s answers %s to %s over %s", name, at(0, 8), at(4, 10), c.RemoteAddr()), nil
}

func serveUDP(address string) error {
	c, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		_, _ = c.WriteTo(fmt.Appendf(nil, "%s answers %s: %s", name, from, buf[:n]), from)
	}
}
