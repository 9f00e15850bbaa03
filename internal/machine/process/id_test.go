package process

import (
	"os"
	"os/exec"
	"testing"
)

func TestIdentity(t *testing.T) {
	me := Identify(os.Getpid())
	if !me.Alive() || Parse(me.String()+"\n") != me {
		t.Errorf("%v: alive %v, parsed %v", me, me.Alive(), Parse(me.String()))
	}
	if other := (ID{PID: me.PID, Start: me.Start + 1}); other.Alive() || other.Signal(0) == nil {
		t.Error("another process with the same number passes for this one")
	}
	for _, text := range []string{"", "12", "0 0", "1 0", "-1 5", "x 5", "12 x"} {
		if id := Parse(text); id != (ID{}) {
			t.Errorf("%q is %v", text, id)
		}
	}
}

func TestKill(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := Identify(cmd.Process.Pid)
	p.Kill()
	cmd.Wait()
	if p.Alive() {
		t.Error("alive after its end")
	}
	p.Kill()
}
