package door

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestHeir has two platforms on one port. When the one that has it ends, or has no more use for it, the other one has it at once.
func TestHeir(t *testing.T) {
	const name = "one.us-east-1.elb.localhost"
	for what, give := range map[string]func(first *Keeper, end func()){
		"ends":          func(_ *Keeper, end func()) { end() },
		"needs no door": func(first *Keeper, _ func()) { first.Apply(nil, nil) },
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			first, end := startAs(t, platform(dir, 0), "zero", "one")
			second, _ := startAs(t, platform(dir, 1), "zero", "one")
			port := freePort(t)
			first.Apply([]edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost")}, nil)
			second.Apply([]edgeapi.Door{doorTo(1, port, name)}, nil)
			if st := second.Sockets(); st[0].Open {
				t.Fatalf("both have the port: %+v", st)
			}
			give(first, end)
			shared := fmt.Sprintf("127.0.0.1:%d", port)
			if status, body := get(t, shared, name, nil); status != http.StatusOK || body != "one "+name+" 0" {
				t.Errorf("%d %q", status, body)
			}
			if st := second.Sockets(); !st[0].Open || st[0].Error != "" {
				t.Errorf("%+v", st)
			}
		})
	}
}

// TestNoHeir has a neighbour that is gone, and one without need of the port: it is free for anybody.
func TestNoHeir(t *testing.T) {
	dir := t.TempDir()
	first, end := startAs(t, platform(dir, 0), "zero")
	second, _ := startAs(t, platform(dir, 1), "zero")
	port := freePort(t)
	first.Apply([]edgeapi.Door{doorTo(0, port, "zero.us-east-1.elb.localhost")}, nil)
	second.Apply([]edgeapi.Door{doorTo(0, freePort(t), "zero.us-east-1.elb.localhost")}, nil)
	gone := platform(dir, 2)
	if err := publish(gone.Names, directory{entry("two.us-east-1.elb.localhost", uint16(port)): nil}); err != nil {
		t.Fatal(err)
	}
	end()
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if left, err := os.Stat(inbox(first.own)); err == nil {
		t.Errorf("left: %s", left.Name())
	}
}
