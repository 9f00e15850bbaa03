package door

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

const (
	sniffRoom    = http1.MaxLine + 8<<10
	sniffTimeout = 10 * time.Second
)

// serve carries one connection.
func (d *door) serve(c *net.TCPConn) {
	defer c.Close()
	stop := context.AfterFunc(d.keeper.ctx, func() { c.Close() })
	defer stop()
	behind := d.rooms.Load()
	target := behind.all[0]
	var head []byte
	if d.address.Addr() == shared && !d.obvious(behind) {
		var host string
		var secure bool
		var err error
		if head, host, secure, err = sniff(c); err != nil {
			return
		}
		if target = d.choose(host, behind); target == nil {
			if secure {
				c.Write(unrecognizedName)
			} else {
				turnAway(c, host, behind)
			}
			return
		}
	}
	up := target.connect(d.keeper)
	if up == nil {
		return
	}
	defer up.Close()
	stopUp := context.AfterFunc(d.keeper.ctx, func() { up.Close() })
	defer stopUp()
	if _, err := up.Write(head); err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { pour(c, up) })
	pour(up, c)
	back.Wait()
}

// domain ends the names of load balancers: one of them never means another load balancer.
const domain = ".elb.localhost"

// choose finds who is meant by a request's host: a load balancer of this platform or of another one on this machine. A name of somebody's own
// means the load balancer whose certificates have it, if it is only one. The only load balancer here is meant by every other name too, so that
// host rules can be tried without a name.
func (d *door) choose(host string, behind *rooms) *room {
	if r := behind.byHost[host]; r != nil {
		return r
	}
	port := d.address.Port()
	if strings.HasSuffix(host, domain) {
		return sole(d.keeper.elsewhere(port, host))
	}
	_, parent, _ := strings.Cut(host, ".")
	wildcard := "*." + parent
	if r := sole(slices.Concat(behind.certified[host], behind.certified[wildcard], d.keeper.elsewhere(port, host, wildcard))); r != nil {
		return r
	}
	if len(behind.all) == 1 {
		return behind.all[0]
	}
	return nil
}

// sole is the load balancer that all of these are; nil if there are several, or none.
func sole(found []*room) *room {
	if len(found) == 0 || len(found[0].public) == 0 {
		return nil
	}
	for _, r := range found[1:] {
		if !slices.Equal(r.public, found[0].public) {
			return nil
		}
	}
	return found[0]
}

// obvious reports whether who is meant needs no telling: the only load balancer on the port, of this platform and the others, is one for TCP.
func (d *door) obvious(behind *rooms) bool {
	return len(behind.all) == 1 && behind.all[0].nameless && !d.keeper.crowded(d.address.Port())
}

// connect dials the public addresses in turn, starting with another one each time.
func (r *room) connect(k *Keeper) *net.TCPConn {
	for range r.public {
		to := r.next()
		c, err := k.dial(k.ctx, to)
		if err == nil {
			return c
		}
		k.log.Debug("door leads nowhere", "balancer", r.balancer, "address", to, "err", err)
	}
	return nil
}

// next is the public address whose turn it is.
func (r *room) next() netip.AddrPort { return r.public[int(r.turn.Add(1))%len(r.public)] }

// unrecognizedName is the TLS alert that says that nobody here has the name.
var unrecognizedName = []byte{21, 3, 3, 0, 2, 2, 112}

// sniff reads the head of the first request, or with TLS the client's hello, and returns it with everything read so far. The
// host is without port and in lower case.
func sniff(c *net.TCPConn) (read []byte, host string, secure bool, err error) {
	c.SetReadDeadline(time.Now().Add(sniffTimeout))
	defer c.SetReadDeadline(time.Time{})
	b := make([]byte, 4<<10)
	var r http1.Request
	for n := 0; ; {
		m, err := c.Read(b[n:])
		if err != nil {
			return nil, "", false, err
		}
		n += m
		if tlsterm.LooksLikeTLS(b[0]) {
			name, err := tlsterm.ServerName(b[:n])
			if err == nil {
				return b[:n], strings.TrimSuffix(name, "."), true, nil
			}
			if err != tlsterm.ErrMore || n == sniffRoom {
				return nil, "", true, err
			}
			b = slices.Grow(b[:n], 1)
			b = b[:min(cap(b), sniffRoom)]
			continue
		}
		used, err := r.Parse(b[:n])
		switch {
		case err != nil:
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			return nil, "", false, err
		case used > 0:
			name := string(r.Host)
			if h, _, err := net.SplitHostPort(name); err == nil {
				name = h
			}
			return b[:n], strings.ToLower(strings.TrimSuffix(name, ".")), false, nil
		case n == sniffRoom:
			return nil, "", false, io.ErrShortBuffer
		case n == len(b):
			b = append(b, make([]byte, min(len(b), sniffRoom-n))...)
		}
	}
}

// turnAway answers a request for a host nobody here has, with the names that would have led somewhere.
func turnAway(c net.Conn, host string, behind *rooms) {
	names := make([]string, 0, len(behind.byHost))
	for h := range behind.byHost {
		names = append(names, h)
	}
	for name, list := range behind.certified {
		if sole(list) != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	body := fmt.Sprintf("No load balancer is called %q. On this port there are:\n%s\n", host, strings.Join(names, "\n"))
	fmt.Fprintf(c, "HTTP/1.1 421 Misdirected Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", len(body), body)
}
