package edgeapi

import (
	"net/netip"
	"testing"
	"time"
)

func TestLogFile(t *testing.T) {
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/my-lb/50dc6c495c0c9188"
	f, err := NewLogFile(LogConnection, arn, netip.MustParseAddr("10.0.0.7"))
	if err != nil {
		t.Fatal(err)
	}
	f.Start, f.End = time.UnixMilli(1700000000123).UTC(), time.Unix(1700000100, 0).UTC()
	const name = "connection_123456789012_eu-west-1_net.my-lb.50dc6c495c0c9188_10.0.0.7_1700000000123_1700000100"
	if f.Name() != name || f.ARN() != arn {
		t.Errorf("%s of %s", f.Name(), f.ARN())
	}
	if got, err := ParseLogFile(name); err != nil || got != f {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "connection", "other_1_2_a.b.c_10.0.0.7_1_2", "access_1_2_abc_10.0.0.7_1_2", "access_1_2_a.b.c_x_1_2", "access_1_2_a.b.c_10.0.0.7_x_2"} {
		if _, err := ParseLogFile(bad); err == nil {
			t.Errorf("%q is a name", bad)
		}
	}
	if _, err := NewLogFile(LogAccess, "app/x/y", netip.Addr{}); err == nil {
		t.Error("no ARN is needed")
	}
}
