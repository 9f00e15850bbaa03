package balance_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/balance"
)

// Rows from before there were as many attributes read as what they meant.
func TestOlderTargetGroupAttributes(t *testing.T) {
	var got balance.TargetGroupAttributes
	if err := json.Unmarshal([]byte(`{"DeregistrationDelay":10000000000,"Kept":{"stickiness.type":"app_cookie"}}`), &got); err != nil {
		t.Fatal(err)
	}
	want := balance.DefaultTargetGroupAttributes(&balance.TargetGroup{Protocol: balance.ProtocolHTTP})
	want.DeregistrationDelay = 10 * time.Second
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAttributesAreStoredWhole(t *testing.T) {
	for _, protocol := range []string{balance.ProtocolHTTP, balance.ProtocolTCP, balance.ProtocolUDP} {
		want := balance.DefaultTargetGroupAttributes(&balance.TargetGroup{Protocol: protocol, Type: balance.TargetIP})
		want.DNS, want.Routing = balance.MinimumHealthy{}, balance.MinimumHealthy{Percent: 50}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got balance.TargetGroupAttributes
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", protocol, diff)
		}
	}
}

func TestMinimumHealthy(t *testing.T) {
	for _, c := range []struct {
		least        balance.MinimumHealthy
		healthy, all int
		want         bool
	}{
		{balance.MinimumHealthy{}, 0, 3, true},
		{balance.MinimumHealthy{Count: 1}, 0, 3, false},
		{balance.MinimumHealthy{Count: 1}, 1, 3, true},
		{balance.MinimumHealthy{Percent: 50}, 1, 3, false},
		{balance.MinimumHealthy{Percent: 50}, 2, 4, true},
		{balance.MinimumHealthy{Count: 3, Percent: 50}, 2, 4, false},
		{balance.MinimumHealthy{Percent: 50}, 0, 0, true},
	} {
		if got := c.least.Met(c.healthy, c.all); got != c.want {
			t.Errorf("%+v of %d healthy in %d: %v", c.least, c.healthy, c.all, got)
		}
	}
}
