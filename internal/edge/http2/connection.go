package http2

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http2/hpack"
)

// Limits of a connection. ELB documents the first two ("Listeners for your Application Load Balancers: HTTP/2", "The load
// balancer sends a response code of 000"); the others are ours.
const (
	MaxStreams  = 128    // at a time
	MaxRequests = 10_000 // in all

	streamWindow     = 64<<10 - 1 // the default; it is what a stream can make us keep of a body
	connectionWindow = 256 << 10  // the same for all streams together

	maxString        = 16 << 10 // octets of a field name or value
	maxContinuations = 64       // frames a header block may consist of
	maxBlock         = 80 << 10 // octets of a header block as it is on the wire
	maxPending       = 64 << 10 // octets to be written; streams wait beyond, and a client that makes us answer so much is cut off
	headerTableSize  = 4096     // the default

	// incompleteTicks is how long a frame or header block may take to arrive.
	incompleteTicks = 600
)

// Config is what a Connection needs.
type Config struct {
	// Serve answers one request, in a goroutine that has nothing else to do. The stream must not be used after it has returned; a stream that
	// has not been ended is reset then.
	Serve func(*Stream)
	// Crew has the goroutines; several connections may share one.
	Crew *Crew
	// Last is asked for each request whether it shall be the connection's last.
	Last func() bool
	// Now is a clock in ticks of a tenth of a second.
	Now func() int64
	// Interrupt makes Read fail, now and later. It is called when everything has been said after GOAWAY.
	Interrupt func()
}

// Connection is one client's connection.
type Connection struct {
	config Config
	conn   io.ReadWriter

	// Of the goroutine that reads.
	in         []byte
	from, to   int
	incomplete atomic.Int64 // tick since which a frame or header block is incomplete; 0: none is
	decoder    *hpack.Decoder
	head       *head
	block      block
	budget     budget
	requests   int
	settled    bool // the client's first SETTINGS have come

	earned atomic.Int64 // by data sent, not yet in the budget

	open atomic.Int32 // streams neither side has closed, as MaxStreams counts them

	mu       sync.Mutex
	streams  map[uint32]*Stream // whose Serve has not returned
	lastID   uint32             // highest stream the client has opened
	finalID  uint32             // streams above are ignored
	leaving  bool               // no new streams
	err      error              // why the connection is over
	idle     sync.Cond          // streams is empty or nothing is being written
	out      []byte             // to be written
	flushing bool
	queue    []turn // to append to out
	window   int64  // what the client lets us send on all streams

	initialWindow int32 // of streams, as the client set it
	resizeTable   bool  // tell the client that its compression table is not used
	receivable    int   // what the client may still send on all streams
	consumed      int   // received and not yet given back to it
	recent        recent
}

// NewConnection makes a Connection of a stream of octets that allows reading beside writing. Read and Write fail when the client has been
// silent, or has not read, for too long.
func NewConnection(conn io.ReadWriter, config Config) *Connection {
	c := &Connection{
		config: config, conn: conn, head: &head{},
		budget:  budget{left: budgetSize, filled: config.Now()},
		streams: map[uint32]*Stream{}, finalID: 1<<31 - 1,
		window: 64<<10 - 1, initialWindow: 64<<10 - 1, receivable: connectionWindow,
	}
	c.idle.L = &c.mu
	c.decoder = hpack.NewDecoder(headerTableSize, func(f hpack.HeaderField) { c.head.field(f) })
	c.decoder.SetMaxStringLength(maxString)
	return c
}

// Streams is how many streams are open.
func (c *Connection) Streams() int { return int(c.open.Load()) }

// LazyReader is a connection that can be waited for without a buffer. It borrows one when there is something to read, and
// returns it when it turns out that there is not.
type LazyReader interface {
	ReadLazily(borrow func() []byte, lend func()) (int, error)
}

var (
	errClosed   = errors.New("http2 connection closed")
	errFinished = errors.New("http2 connection finished")
)

// Serve reads until the connection is over, and returns when the last stream has ended. The error is a ConnectionError if the
// client broke the protocol, nil if we closed it after GOAWAY, and otherwise that of reading.
func (c *Connection) Serve() error {
	c.mu.Lock()
	c.greet()
	c.kick()
	c.mu.Unlock()
	err := c.read()
	c.giveBackInput()
	c.mu.Lock()
	defer c.mu.Unlock()
	var broken *ConnectionError
	if errors.As(err, &broken) && c.err == nil {
		c.out = appendGoAway(c.takeOut(), min(c.lastID, c.finalID), broken.Code) // no more than an earlier one said
		c.kick()
	}
	if c.leaving && c.finished() {
		err = nil
	}
	c.fail(errClosed)
	for len(c.streams) > 0 || c.flushing {
		c.idle.Wait()
	}
	return err
}

// finished reports whether there is nothing to answer and nothing to write. mu is held.
func (c *Connection) finished() bool { return len(c.streams) == 0 && !c.flushing }

// greet writes the preface of ours.
func (c *Connection) greet() {
	b := appendFrameHead(c.takeOut(), 12, frameSettings, 0, 0)
	b = appendSetting(b, settingMaxStreams, MaxStreams)
	b = appendSetting(b, settingMaxHeaderList, MaxHead)
	c.out = appendWindowUpdate(b, 0, connectionWindow-(64<<10-1))
}

// fail ends all streams. mu is held.
func (c *Connection) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	for _, s := range c.streams {
		s.abort(&StreamError{Code: Cancel, Remote: true})
	}
}

// read handles frames until one cannot be.
func (c *Connection) read() error {
	if err := c.preface(); err != nil {
		return err
	}
	for {
		f, n, err := parseFrame(c.in[c.from:c.to])
		if err != nil {
			return err
		}
		if n == 0 {
			if err := c.fill(); err != nil {
				return err
			}
			continue
		}
		c.from += n
		if err := c.handle(&f); err != nil {
			return err
		}
		if !c.block.open {
			c.incomplete.Store(0)
		}
	}
}

func (c *Connection) preface() error {
	for {
		n := min(len(Preface), c.to-c.from)
		if string(c.in[c.from:c.from+n]) != Preface[:n] {
			return breach(ProtocolError, "malformed preface")
		}
		if n == len(Preface) {
			c.from += n
			return nil
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// inputs are the buffers of connections that are being read from. They hold the longest frame, and more than one of the usual
// ones.
var inputs = sync.Pool{New: func() any { return new([2 * maxFrame]byte) }}

// fill reads more, once all that is complete has been handled. While nothing is incomplete, it waits without a buffer.
func (c *Connection) fill() (err error) {
	c.mu.Lock()
	finished := c.leaving && c.finished()
	c.mu.Unlock()
	n := 0
	lazy, ok := c.conn.(LazyReader)
	switch {
	case finished:
		return errFinished
	case ok && c.from == c.to && !c.block.open:
		c.giveBackInput()
		c.head.slim()
		n, err = lazy.ReadLazily(c.takeInput, c.giveBackInput)
	default:
		if c.in == nil {
			c.takeInput()
		}
		c.to, c.from = copy(c.in, c.in[c.from:c.to]), 0
		if c.to > 0 || c.block.open {
			c.incomplete.CompareAndSwap(0, c.config.Now())
		}
		n, err = c.conn.Read(c.in[c.to:])
	}
	if c.to += n; n > 0 {
		return nil
	}
	return err
}

func (c *Connection) takeInput() []byte {
	c.in = inputs.Get().(*[2 * maxFrame]byte)[:]
	c.from, c.to = 0, 0
	return c.in
}

func (c *Connection) giveBackInput() {
	if c.in != nil {
		inputs.Put((*[2 * maxFrame]byte)(c.in))
		c.in = nil
	}
}
