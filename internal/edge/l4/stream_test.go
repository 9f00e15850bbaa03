package l4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestStream(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, echo))
	c := b.dial()
	for range 3 {
		if _, err := io.WriteString(c, "hello"); err != nil {
			t.Fatal(err)
		}
		if got := word(t, c); got != "hello" {
			t.Fatalf("%q", got)
		}
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Fatalf("%q, %v", rest, err)
	}
	eventually(t, "the flow has ended", func() bool { return b.flows("TCP").Active == 0 })
	f := b.flows("TCP")
	if f.New != 1 || f.Bytes != 30 || f.Resets+f.ClientResets+f.TargetResets != 0 {
		t.Errorf("%+v", f)
	}
	_, groups := b.engine.Counters()
	if g := groups[0]; g.Requests != 1 || g.BytesIn != 15 || g.BytesOut != 15 || g.Active != 0 {
		t.Errorf("%+v", g)
	}
}

// TestHalfClose has a target that answers only once its client has ended, and a client that ends only once the target has.
func TestHalfClose(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, func(c *net.TCPConn) {
		all, _ := io.ReadAll(c)
		c.Write(bytes.ToUpper(all))
	}))
	c := b.dial()
	io.WriteString(c, "hello")
	c.CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "HELLO" {
		t.Errorf("%q, %v", got, err)
	}
	got := make(chan []byte, 1)
	b.setTargets(tcpTarget(t, func(c *net.TCPConn) {
		io.WriteString(c, "first")
		c.CloseWrite()
		all, _ := io.ReadAll(c)
		got <- all
	}))
	c = b.dial()
	if first, err := io.ReadAll(c); err != nil || string(first) != "first" {
		t.Errorf("%q, %v", first, err)
	}
	io.WriteString(c, "second")
	c.Close()
	if second := <-got; string(second) != "second" {
		t.Errorf("%q", second)
	}
}

// TestBulk sends many octets both ways at once, past slow readers, and wants them unharmed.
func TestBulk(t *testing.T) {
	const size = 8 << 20
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, echo))
	var wg sync.WaitGroup
	for i := range 8 {
		c := b.dial()
		wg.Go(func() {
			random := rand.NewChaCha8([32]byte{byte(i)})
			sent := sha256.New()
			wg.Go(func() {
				if _, err := io.CopyN(io.MultiWriter(c, sent), random, size); err != nil {
					t.Error(err)
				}
				c.CloseWrite()
			})
			got := sha256.New()
			buffer := make([]byte, 1000+i*50_000)
			n, err := io.CopyBuffer(struct{ io.Writer }{got}, struct{ io.Reader }{c}, buffer)
			if err != nil || n != size {
				t.Errorf("%d octets, %v", n, err)
			} else if !bytes.Equal(got.Sum(nil), sent.Sum(nil)) {
				t.Error("octets were changed")
			}
		})
	}
	wg.Wait()
	if f := b.flows("TCP"); f.Bytes != 8*2*size {
		t.Errorf("%d octets counted", f.Bytes)
	}
}

// TestBackpressure has a target that reads nothing for a while: the client is held up instead of this process filling up.
func TestBackpressure(t *testing.T) {
	reading := make(chan struct{})
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, func(c *net.TCPConn) {
		<-reading
		n, _ := io.Copy(io.Discard, c)
		if n != 64<<20 {
			t.Errorf("%d octets", n)
		}
	}))
	c := b.dial()
	c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	n, err := c.Write(make([]byte, 64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d octets written to nobody: %v", n, err)
	}
	close(reading)
	c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.Write(make([]byte, 64<<20-n)); err != nil {
		t.Fatal(err)
	}
	c.CloseWrite()
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
}

// TestTakesUpAgain has a client send little by little to a target that reads nothing, but speaks after each piece: the flow is looked at when
// all that the client has sent is here and none of it can be passed on. Once the target reads, the rest must come as well.
func TestTakesUpAgain(t *testing.T) {
	speak, reading, read := make(chan struct{}), make(chan struct{}), make(chan int64, 1)
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, func(c *net.TCPConn) {
		for range speak {
			c.Write([]byte("."))
		}
		<-reading
		n, _ := io.Copy(io.Discard, c)
		read <- n
	}))
	c := b.dial()
	piece, sent := make([]byte, 32<<10), uint64(0)
	passed := func() uint64 {
		_, groups := b.engine.Counters()
		return groups[0].BytesOut
	}
	for full := false; !full; {
		if _, err := c.Write(piece); err != nil {
			t.Fatal(err)
		}
		sent += uint64(len(piece))
		for patience := 100; passed() < sent && !full; patience-- {
			time.Sleep(2 * time.Millisecond)
			full = patience == 0
		}
		speak <- struct{}{}
		word(t, c)
	}
	close(speak)
	close(reading)
	eventually(t, "all has been passed on", func() bool { return passed() == sent })
	c.CloseWrite()
	if n := <-read; uint64(n) != sent {
		t.Errorf("%d of %d octets", n, sent)
	}
}

func isReset(err error) bool { return errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) }

// turnedAway connects and returns how that ends.
func (b *bench) turnedAway() error {
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	_, err = c.Read(make([]byte, 1))
	return err
}

// TestResets passes a reset of either side on to the other.
func TestResets(t *testing.T) {
	saw := make(chan error, 1)
	b := newBench(t, edgeapi.ProtocolTCP, tcpTarget(t, func(c *net.TCPConn) {
		io.WriteString(c, "hello")
		_, err := c.Read(make([]byte, 10))
		saw <- err
	}))
	c := b.dial()
	word(t, c)
	c.SetLinger(0)
	c.Close()
	if err := <-saw; !isReset(err) {
		t.Errorf("the target saw %v", err)
	}
	b.setTargets(tcpTarget(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 10))
		c.SetLinger(0)
	}))
	c = b.dial()
	io.WriteString(c, "hello")
	if _, err := c.Read(make([]byte, 10)); !isReset(err) {
		t.Errorf("the client saw %v", err)
	}
	eventually(t, "counted", func() bool {
		f := b.flows("TCP")
		return f.ClientResets == 1 && f.TargetResets == 1 && f.Active == 0
	})
	// A client that had ended its side and then goes for good.
	ended, hold := make(chan bool), make(chan bool)
	defer close(hold)
	b.setTargets(tcpTarget(t, func(c *net.TCPConn) {
		io.Copy(io.Discard, c)
		ended <- true
		<-hold
	}))
	c = b.dial()
	c.CloseWrite()
	<-ended
	c.SetLinger(0)
	c.Close()
	eventually(t, "the flow has ended", func() bool { f := b.flows("TCP"); return f.ClientResets == 2 && f.Active == 0 })
}

// TestNoTarget resets who comes while there is nobody to forward to.
func TestNoTarget(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP)
	if err := b.turnedAway(); !isReset(err) {
		t.Error(err)
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	dead := targetAt(l.Addr().(*net.TCPAddr).AddrPort())
	l.Close()
	b.setTargets(dead)
	if err := b.turnedAway(); !isReset(err) {
		t.Error(err)
	}
	f := b.flows("TCP")
	_, groups := b.engine.Counters()
	if f.Resets != 2 || groups[0].Unroutable != 1 || groups[0].ConnectionErrors == 0 {
		t.Errorf("%+v, %+v", f, groups[0])
	}
	// With another one beside it nobody notices.
	b.setTargets(dead, named(t, "alive"))
	for range 50 {
		if got := b.ask(); got != "alive" {
			t.Fatal(got)
		}
	}
}

// TestIdle forgets a flow that was silent for too long: only who sends then learns of it.
func TestIdle(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP, named(t, "hello"))
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = []edgeapi.LoadBalancer{s.LoadBalancers[0]}
		l := s.LoadBalancers[0].Listeners[0]
		l.Attributes.TCPIdle = time.Second
		s.LoadBalancers[0].Listeners = []edgeapi.Listener{l}
	})
	c := b.dial()
	word(t, c)
	eventually(t, "the flow has ended", func() bool { return b.flows("TCP").Active == 0 })
	if os.Geteuid() == 0 {
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("told without asking: %v", err)
		}
		c.SetReadDeadline(time.Now().Add(patience))
	}
	io.WriteString(c, "still there?")
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Error(err)
	}
}

func TestTooManyFlows(t *testing.T) {
	b := newBenchFor(t, 3, edgeapi.ProtocolTCP, named(t, "hello"))
	for range 3 {
		b.ask()
	}
	if err := b.turnedAway(); !isReset(err) {
		t.Error(err)
	}
	if f := b.flows("TCP"); f.Rejected != 1 || f.New != 3 || f.Active != 3 {
		t.Errorf("%+v", f)
	}
}

// TestOutOfFiles has accepting fail for a while: connections wait instead of this process running hot, and are served then.
func TestOutOfFiles(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP, named(t, "hello"))
	b.ask() // the target waits for connections from then on
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	c, err := net.Listen("tcp", "127.0.0.1:0") // the next descriptors are above this one's
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	waiting, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(waiting)
	low := limit
	low.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	restore := func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }
	defer restore()
	if err := unix.Connect(waiting, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: b.port}); err != nil {
		t.Fatal(err)
	}
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	time.Sleep(500 * time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	spent := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	restore()
	if spent > 400*time.Millisecond {
		t.Errorf("%v of CPU time in half a second of waiting", spent)
	}
	p := make([]byte, 10)
	if n, err := unix.Read(waiting, p); err != nil || string(p[:n]) != "hello" {
		t.Errorf("%q %v", p[:n], err)
	}
}

// TestDefect has what a loop is asked to do fall over: the loop, its flows and whatever else it was asked go on.
func TestDefect(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP, named(t, "hello"))
	b.engine.mu.Lock()
	loops := b.engine.loops
	b.engine.mu.Unlock()
	for _, l := range loops {
		done := make(chan struct{})
		l.do(func() { panic("on purpose") })
		l.do(func() { close(done) })
		<-done
	}
	if got := b.ask(); got != "hello" {
		t.Error(got)
	}
}
