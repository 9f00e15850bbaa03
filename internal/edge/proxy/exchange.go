package proxy

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/http1"
)

// exchange is one request carried to a target and the answer carried back. It belongs to its client and is used again for
// the client's next request.
type exchange struct {
	decision
	client   *client
	work     *work
	endpoint *endpoint
	up       *upstream
	upload   *upload // nil when the whole body was sent together with the head

	got      int  // octets of the answer in work.up
	answered bool // the target has sent something
	idle     time.Duration
	began    time.Duration // when the request was sent, on the engine's clock
}

func (x *exchange) reset(c *client, d *decision) {
	*x = exchange{decision: *d, client: c, work: c.w, idle: d.listener.settings.IdleTimeout}
}

// touch moves the deadlines of both connections: "If no data has been sent or received by the time that the idle timeout
// period elapses, the load balancer closes the connection."
func (x *exchange) touch() {
	at := x.client.sweeper.after(x.idle)
	x.client.deadline.Store(at)
	x.up.deadline.Store(at)
}

// run carries the request out. It reports whether the client's connection can go on.
//
// A connection to a target that was idle may have been closed by the target while the request was on its way. If not one
// octet of an answer came, the request is repeated once on a new connection, provided that its method is idempotent
// (RFC 9110, section 9.2.2) and that its body is still here. The other requests are only given connections that have just
// been looked at.
func (x *exchange) run() bool {
	w := x.work
	x.endpoint = x.listener.node.endpoint(x.target)
	w.out = x.listener.composeRequest(w.out[:0], &w.request, &x.client.peer, x.client.sweeper.unix.Load())
	if entry := x.client.entry; entry != nil {
		entry.Target = x.target.address
		entry.composed(w.out)
	}
	whole, err := x.attachBody()
	if err != nil {
		return x.answer(statusOf(err), false)
	}
	x.target.counters.requests.Add(1)
	repeatable := whole && w.request.Idempotent
	for again := false; ; again = true {
		if err := x.connect(again, repeatable); err != nil {
			x.target.counters.unreachable(err)
			return x.answer(dialStatus(err), whole)
		}
		x.touch()
		x.client.watch(x.up.socket)
		err := x.send(whole)
		if err != errTimeout {
			err = x.receiveHead() // an answer may be there even though the target took no more of the request
		}
		x.client.unwatch()
		if err == nil {
			return x.relay()
		}
		if !x.answered && x.up.uses > 0 && repeatable && x.up.interrupt.Load() == 0 && err != errTimeout {
			x.endpoint.discard(x.up)
			continue
		}
		return x.failed(err, whole)
	}
}

// connect takes an idle connection or opens one.
func (x *exchange) connect(fresh, repeatable bool) (err error) {
	if !fresh {
		if x.up = x.endpoint.take(!repeatable); x.up != nil {
			x.up.alone = true
			return nil
		}
	}
	if x.up, err = x.endpoint.open(); err == nil {
		x.up.alone = true
	}
	return err
}

// dialStatus is the answer to a target that cannot be connected to ("HTTP 502", "HTTP 504").
func dialStatus(err error) int {
	if errors.Is(err, errNegotiation) {
		return 502
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ETIMEDOUT) {
		return 504
	}
	return 502
}

// attachBody adds to the composed head what has arrived of the body. It reports whether that is all, and fails for a body
// that is malformed so far.
func (x *exchange) attachBody() (whole bool, err error) {
	w := x.work
	r := &w.request
	switch r.Framing {
	case http1.Sized:
		n := int(min(int64(len(w.unread())), r.Length))
		w.out = append(w.out, w.unread()[:n]...)
		w.from += n
		x.client.received(n)
		if int64(n) == r.Length {
			return true, nil
		}
		x.upload = &upload{exchange: x, remaining: r.Length - int64(n)}
		return false, nil
	case http1.Chunked:
		x.upload = &upload{exchange: x, chunked: true}
		data, used, err := x.upload.chunks.Decode(w.unread())
		w.from += used
		x.client.received(used)
		if err != nil {
			return false, err
		}
		if len(data) > 0 {
			w.out = http1.AppendChunkHead(w.out, len(data))
			w.out = append(w.out, data...)
			w.out = append(w.out, "\r\n"...)
		}
		if x.upload.chunks.Done() {
			w.out = append(w.out, lastChunk...)
			x.upload = nil
			return true, nil
		}
		return false, nil
	}
	return true, nil
}

// lastChunk ends a request body. Its trailers are dropped: applications merge them into fields they trust.
const lastChunk = "0\r\n\r\n"

// send writes what has been composed and starts the upload of the rest of the body.
func (x *exchange) send(whole bool) error {
	x.target.counters.bytesOut.Add(uint64(len(x.work.out)))
	_, err := x.up.Write(x.work.out)
	x.began = x.client.engine.clock()
	if x.client.entry != nil {
		x.client.entry.sent = x.began
	}
	if err != nil || whole {
		// A new connection keeps nobody from being seen: it has been let in by the poller.
		x.client.engine.giveWay(x.client.eager && !x.client.fresh, x.began)
		return err
	}
	if x.work.request.Continue {
		if _, err := x.client.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			x.up.breakOff(goneClient)
			return errTimeout
		}
	}
	x.upload.start()
	return nil
}

// failed answers a request whose target did not.
func (x *exchange) failed(err error, whole bool) bool {
	status := 502
	reason := x.up.interrupt.Load()
	if x.upload != nil {
		x.upload.stop()
	}
	switch {
	case reason == goneClient:
		status = 460
	case reason == failedUpload:
		status = x.upload.status()
	case reason == 0 && err == errTimeout:
		if status = 504; x.upload != nil && x.upload.waiting {
			status = 408
		}
	}
	x.endpoint.discard(x.up)
	return x.answer(status, whole)
}

// answer answers in the target's stead.
func (x *exchange) answer(status int, whole bool) bool {
	c := x.client
	if status == 460 { // there is nobody to answer
		x.listener.counters.answered(status)
		if c.entry != nil {
			c.entry.Status = status
		}
		return false
	}
	keep := c.page(x.listener, status, whole && status != 400 && c.persists())
	if !keep {
		c.linger()
	}
	return keep
}
