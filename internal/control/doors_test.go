package control

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/machine/process"
)

// TestClosedDoors has ports taken by a program, which is this test, then by another platform's edge, which the test becomes by a lock.
func TestClosedDoors(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	tcp, udp := l.Addr().String(), u.LocalAddr().String()+"/udp"
	doors := []edgeapi.SocketStatus{
		{ID: "web", Address: tcp, Error: "address already in use"},
		{ID: "web", Address: "127.9.9.9:80", Open: true},
		{ID: "dns", Address: udp, Error: "address already in use"},
		{ID: "dns", Address: "127.9.9.9:1", Error: "permission denied"},
	}
	me := process.Identify(os.Getpid())
	taken := fmt.Sprintf("%s (process %d) has the port", me.Name(), me.PID)
	pattern := filepath.Join(t.TempDir(), "*.lock")
	got := closedDoors(doors, pattern)
	if want := []DoorStatus{{tcp, taken}}; !slices.Equal(got["web"], want) {
		t.Errorf("%+v, want %+v", got["web"], want)
	}
	datagrams := []DoorStatus{{udp, taken}, {"127.9.9.9:1", "permission denied"}}
	if !slices.Equal(got["dns"], datagrams) {
		t.Errorf("%+v, want %+v", got["dns"], datagrams)
	}
	lock, err := os.Create(filepath.Join(filepath.Dir(pattern), "edge.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	got = closedDoors(doors, pattern)
	if len(got["web"]) != 0 {
		t.Errorf("a port that another platform serves for us is told to be closed: %+v", got["web"])
	}
	if !slices.Equal(got["dns"], datagrams) { // edges serve no datagrams for each other
		t.Errorf("%+v, want %+v", got["dns"], datagrams)
	}
}
