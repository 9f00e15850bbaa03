package control

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/clock"
)

func TestOwnerIsLetIn(t *testing.T) {
	for _, enforce := range []bool{false, true} {
		c := &core{config: Config{DataDir: t.TempDir(), Account: "000000000000", Enforce: enforce}, clock: clock.Clock{Scale: 1}, log: slog.New(slog.DiscardHandler)}
		if err := c.openStore(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a second start adds none
			if err := c.bootstrapOwner(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := 0
		if enforce {
			want = 1
		}
		if n := c.tables.policy.Keys.Len(c.store.View()); n != want {
			t.Errorf("enforce %v: %d keys", enforce, n)
		}
		text, err := os.ReadFile(c.config.path(ownerFile))
		if (err == nil) != enforce {
			t.Errorf("enforce %v: file: %v", enforce, err)
		}
		for k := range c.tables.policy.Keys.All(c.store.View(), "") {
			if !strings.Contains(string(text), k.ID) || !strings.Contains(string(text), k.Secret) || k.Principal != "arn:aws:iam::000000000000:root" {
				t.Errorf("key %s is not the one in the file", k.ID)
			}
		}
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}
}
