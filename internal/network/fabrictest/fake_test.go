package fabrictest_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/network/fabrictest"
)

// imagined is the fake as a subject of the suite.
type imagined struct{ *fabrictest.Fake }

func (imagined) Public(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(10 + n)}) }

func (imagined) Outside() netip.Addr { return netip.MustParseAddr("203.0.113.9") }

func (imagined) Restart() {}

func (i imagined) Send(d fabrictest.Datagram, _ bool) (netip.Addr, bool) { return i.Fake.Send(d) }

func TestFake(t *testing.T) {
	fabrictest.Run(t, func(*testing.T) fabrictest.Subject { return imagined{fabrictest.NewFake()} })
}

func TestFakeFails(t *testing.T) {
	f, broken := fabrictest.NewFake(), errors.New("broken")
	f.Fail(func(call string) error {
		if call == "EnsureVPC vpc-2" {
			return broken
		}
		return nil
	})
	if err := f.EnsureVPC(t.Context(), network.VPCConfig{ID: "vpc-1"}); err != nil {
		t.Error(err)
	}
	if err := f.EnsureVPC(t.Context(), network.VPCConfig{ID: "vpc-2"}); !errors.Is(err, broken) {
		t.Error(err)
	}
	if got := f.Calls(); !slices.Equal(got, []string{"EnsureVPC vpc-1", "EnsureVPC vpc-2"}) || len(f.Calls()) != 0 {
		t.Errorf("calls %v", got)
	}
	if got := f.VPCs(); !slices.Equal(got, []string{"vpc-1"}) {
		t.Errorf("vpcs %v", got)
	}
}
