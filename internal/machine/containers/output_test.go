package containers

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

func TestOldOutputIsRemoved(t *testing.T) {
	e := testEngine(t)
	for _, id := range []string{"gone", "lives"} {
		if st := wait(t, e, start(t, e, task.Sandbox{TaskID: id}, sh("echo x"))); st.ExitCode != 0 {
			t.Fatal(st)
		}
		output(t, e, id+"-main")
	}
	if err := e.RemoveTask(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	is := func(id string, want bool) {
		t.Helper()
		if _, err := os.Stat(e.Spool(id)); (err == nil) != want {
			t.Errorf("spool of %s: %v", id, err)
		}
	}
	e.tidySpools(time.Now().Add(30 * time.Minute))
	is("gone-main", true)
	e.tidySpools(time.Now().Add(2 * time.Hour))
	is("gone-main", false)
	is("lives-main", true)
}

func TestSuperfluousSpools(t *testing.T) {
	now := time.Unix(10_000, 0)
	left := []leftSpool{
		{"old", now.Add(-2 * time.Hour), 0},
		{"third", now.Add(-3 * time.Minute), 1},
		{"first", now.Add(-time.Minute), 60},
		{"second", now.Add(-2 * time.Minute), 40},
	}
	if got, want := superfluous(left, now, 100), []string{"third", "old"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := superfluous(left, now, 101), []string{"old"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDataDirsThatCannotBeMounted(t *testing.T) {
	for _, dir := range []string{"/tmp/a:b", "/tmp/a,b", `/tmp/a\b`} {
		if err := (&Config{Instance: "x", DataDir: dir, Runtime: "/runc"}).complete(); err == nil {
			t.Errorf("%s is taken", dir)
		}
	}
}
