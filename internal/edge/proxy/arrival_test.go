package proxy

import (
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/neargate/neargate/internal/edge/netns"
)

// TestArrivalsOfAClosedListener: whoever waits for connections is told that there will be none.
func TestArrivalsOfAClosedListener(t *testing.T) {
	opener := netns.NewOpener()
	defer opener.Close()
	own, err := opener.Open("")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := own.Listening(netip.AddrPortFrom(loopback, 0))
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := arrivals(raw, nil)
		ended <- err
	}()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("while it is closed: %v", err)
	}
	if _, err := arrivals(raw, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}
