package proxy

import (
	"errors"
	"net"
	"os"
	"testing"
)

// TestArrivalsOfAClosedListener: whoever waits for connections is told that there will be none.
func TestArrivalsOfAClosedListener(t *testing.T) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := listen(l)
	if err != nil {
		t.Fatal(err)
	}
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
