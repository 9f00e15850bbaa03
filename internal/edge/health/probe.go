package health

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// Dial connects to a target from one of the nodes that send it requests.
type Dial func(ctx context.Context, nodes []string, to netip.AddrPort) (net.Conn, error)

// probe sends one health check request and judges the answer. Only the head is waited for, and the connection is closed
// afterwards.
func (c *check) probe(ctx context.Context, dial Dial) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	conn, err := dial(ctx, c.nodes, c.address)
	if err != nil {
		return failure(err), err
	}
	defer conn.Close()
	if c.config.Protocol == edgeapi.ProtocolTCP {
		return Outcome{OK: true}, nil
	}
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if c.config.Protocol == edgeapi.ProtocolHTTPS {
		conn = tls.Client(conn, c.tls)
		defer conn.Close()
	}
	code, err := 0, error(nil)
	if c.http2() {
		code, err = askHTTP2(ctx, conn, c)
	} else {
		code, err = ask(conn, c.request)
	}
	if err != nil {
		return failure(err), nil
	}
	if !c.matcher.Match(code) {
		return Outcome{Reason: edgeapi.ReasonResponseCodeMismatch, Code: code}, nil
	}
	return Outcome{OK: true, Code: code}, nil
}

// http2 reports whether the target speaks HTTP/2.
func (c *check) http2() bool {
	return c.version == edgeapi.VersionHTTP2 || c.version == edgeapi.VersionGRPC
}

// request is what a probe sends, as Elastic Load Balancing does.
func request(path string, to netip.AddrPort) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + to.String() +
		"\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n")
}

func ask(conn net.Conn, request []byte) (int, error) {
	if _, err := conn.Write(request); err != nil {
		return 0, err
	}
	buffer := make([]byte, 4<<10)
	var r http1.Response
	n := 0
	for {
		used, err := r.Parse(buffer[:n], false)
		switch {
		case err != nil:
			return 0, err
		case used > 0 && r.Status >= 200:
			return r.Status, nil
		case used > 0: // an interim answer
			n = copy(buffer, buffer[used:n])
			r.Reset()
			continue
		case n == len(buffer):
			buffer = append(buffer, make([]byte, len(buffer))...)
		}
		m, err := conn.Read(buffer[n:])
		if m == 0 && err != nil { // of TLS, the last octets and the end may come together
			return 0, err
		}
		n += m
	}
}

func failure(err error) Outcome {
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ETIMEDOUT) || errors.As(err, &timeout) && timeout.Timeout() {
		return Outcome{Reason: edgeapi.ReasonTimeout}
	}
	return Outcome{Reason: edgeapi.ReasonFailedHealthChecks}
}

// portOf is the port probes of a target go to.
func portOf(c *edgeapi.HealthCheck, t *edgeapi.Target) uint16 {
	if c.Port == edgeapi.PortTraffic {
		return uint16(t.Port)
	}
	n, _ := strconv.Atoi(c.Port) // validated with the snapshot
	return uint16(n)
}

// early is how long after registration a target that fails is probed beyond its interval: after 0.25 s, 0.5 s, 1 s and so
// on. A load balancer on AWS has several probing nodes, each on its own schedule, so a target that comes up is noticed
// sooner than one interval there too. Only one failure per interval counts.
func early(attempt int, interval time.Duration) time.Duration {
	return min(250*time.Millisecond<<min(attempt, 10), interval)
}
