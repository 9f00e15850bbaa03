package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// TestNeighbours: two platforms with equal addresses run side by side, and one's end is nothing to the other.
func TestNeighbours(t *testing.T) {
	one := alone(t)
	two := newPlatform(t, nil)
	two.launch()
	var err error
	if two.host, err = two.remains.host(); err != nil {
		t.Fatal(err)
	}
	w1, b1 := balanced(t, one, 1)
	w2, b2 := balanced(t, two, 1)
	if a, b := address(w1.describe(w1.running("web")...)[0]), address(w2.describe(w2.running("web")...)[0]); !strings.HasPrefix(a, "10.0.") || !strings.HasPrefix(b, "10.0.") {
		t.Errorf("addresses %s and %s", a, b)
	}
	if b1.url == b2.url {
		t.Errorf("both are reached at %s", b1.url)
	}
	// The answers are of different tasks: the version of one changes.
	w2.roll("web", w2.web("two"))
	w2.only(b2, "two")
	w1.only(b1, "v0")

	l := newLoad(t, b1.url, b1.dns)
	two.end()
	time.Sleep(500 * time.Millisecond) // of load beside nobody
	l.check(t)
	w1.consistent()
}

// TestTakenPort: where a program has the port that a listener needs on this machine, status says which one.
func TestTakenPort(t *testing.T) {
	w := beside(t).build("10.0")
	b := w.balancer("web", w.group("public"))
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w.elb("CreateListener", "LoadBalancerArn", b.arn, "Protocol", "HTTP", "Port", port, "DefaultActions.member.1.Type", "forward",
		"DefaultActions.member.1.TargetGroupArn", b.targets)
	want := fmt.Sprintf("%s does not lead to load balancer web: ", l.Addr())
	taken := fmt.Sprintf(" (process %d) has the port\n", os.Getpid())
	w.eventually(10*time.Second, "status names this process", func() error {
		if out := w.neargate("status"); !strings.Contains(out, want) || !strings.Contains(out, taken) {
			return errors.New(out)
		}
		return nil
	})
	l.Close()
	w.eventually(10*time.Second, "the port is taken over", func() error {
		if out := w.neargate("status"); strings.Contains(out, want) {
			return errors.New(out)
		}
		return nil
	})
}
