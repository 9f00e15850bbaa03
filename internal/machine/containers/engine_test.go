package containers

import (
	"testing"

	"github.com/neargate/neargate/internal/task"
)

func TestRun(t *testing.T) {
	e := testEngine(t)
	out, st := run(t, e, task.Sandbox{TaskID: "one", Hostname: "ip-10-0-0-5"}, sh("echo hello $FROM; echo oops >&2; cat /etc/hosts; hostname; id; exit 3"))
	t.Log(out, st)
	if st.ExitCode != 3 {
		t.Error(st)
	}
	if err := e.RemoveTask(t.Context(), "one"); err != nil {
		t.Error(err)
	}
}
