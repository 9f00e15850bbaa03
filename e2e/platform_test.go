package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/machine/fabric"
	"github.com/neargate/neargate/internal/machine/process"
)

// Waits of the tests, for a machine that has other things to do as well.
const (
	patience   = 2 * time.Minute // for what must happen
	impatience = 2 * time.Second // for what must not
	steadyIn   = 3 * time.Minute // for deployments, which are many things one after another
)

// within is how long something may take for which a promise is given. Only a quiet machine is held to it; on any other, that takes much
// longer, it still has to be of that order.
func within(promise time.Duration) time.Duration {
	if *quiet {
		return promise
	}
	return 15 * promise
}

// room is what a machine of two processors bears at once: two platforms at work, or four that mostly wait.
var room = semaphore.NewWeighted(whole)

const whole = 4

// platform is one `neargate serve` of a test.
type platform struct {
	t        *testing.T
	dir      string
	instance string
	endpoint string
	host     net.IP // the machine as tasks see it
	log      string // path of serve's output
	args     []string
	remains  remains

	cmd   *exec.Cmd
	ended chan error
}

// start runs a platform that shares the machine with another test's, alone that has it for itself, and beside that mostly waits, as
// Terraform does.
func start(t *testing.T, args ...string) *platform { t.Helper(); return startWeighing(t, 2, args) }

func alone(t *testing.T, args ...string) *platform  { t.Helper(); return startWeighing(t, whole, args) }
func beside(t *testing.T, args ...string) *platform { t.Helper(); return startWeighing(t, 1, args) }

func startWeighing(t *testing.T, weight int64, args []string) *platform {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces, nftables and containers")
	}
	t.Parallel()
	err := room.Acquire(t.Context(), weight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { room.Release(weight) })
	p := newPlatform(t, args)
	p.launch()
	if p.host, err = p.remains.host(); err != nil {
		t.Fatal(err)
	}
	return p
}

// newPlatform prepares a platform and its end: interrupted, it may leave nothing.
func newPlatform(t *testing.T, args []string) *platform {
	t.Helper()
	dir, err := os.MkdirTemp("", "neargate-e2e-data-")
	if err != nil {
		t.Fatal(err)
	}
	p := &platform{t: t, dir: filepath.Join(dir, "data"), log: filepath.Join(dir, "serve.log"), args: args, endpoint: "http://127.0.0.1:0"}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if p.instance, err = fabric.Instance(p.dir); err != nil {
		t.Fatal(err)
	}
	p.remains = remains{instance: p.instance, dir: p.dir}
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			p.report()
		}
		_ = os.RemoveAll(dir)
	})
	return p
}

// end interrupts the platform, as Ctrl-C does, and shows that nothing of it is left.
func (p *platform) end() {
	p.t.Helper()
	if p.cmd != nil {
		if err := p.interrupt(); err != nil {
			p.t.Errorf("serve after an interrupt: %v", err)
		}
	}
	if left := p.remains.all(); len(left) > 0 {
		p.t.Errorf("left on the machine after an interrupt:\n  %s", strings.Join(left, "\n  "))
		p.down()
	}
}

// down takes away what a failed test left, so that the next one has the machine for itself.
func (p *platform) down() {
	if out, err := exec.Command(built.binary, "down", "--data-dir", p.dir).CombinedOutput(); err != nil {
		p.t.Errorf("down: %v\n%s", err, out)
	}
}

// report shows the end of the logs of a failed test.
func (p *platform) report() {
	for _, path := range []string{p.log, filepath.Join(p.dir, "edge", "edge.log")} {
		text, _ := os.ReadFile(path)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		p.t.Logf("%s:\n%s", filepath.Base(path), strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// launch starts serve and waits until it is ready. Started again it keeps its port.
func (p *platform) launch() {
	p.t.Helper()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		p.t.Fatal(err)
	}
	args := append([]string{"serve", "--listen", strings.TrimPrefix(p.endpoint, "http://"), "--data-dir", p.dir}, p.args...)
	cmd := exec.Command(built.binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := startBound(cmd); err != nil {
		p.t.Fatal(err)
	}
	p.cmd, p.ended = cmd, make(chan error, 1)
	go func(ended chan<- error) { ended <- cmd.Wait() }(p.ended)
	p.eventually(patience, "serve is ready", func() error {
		select {
		case err := <-p.ended:
			p.cmd = nil
			p.t.Fatalf("serve ended: %v", err)
		default:
		}
		text, err := os.ReadFile(p.log)
		if err != nil {
			return err
		}
		_, rest, ok := strings.Cut(string(text[begin:]), "neargate is ready: endpoint ")
		if endpoint, _, done := strings.Cut(rest, ","); ok && done {
			p.endpoint = endpoint
			return p.health()
		}
		return fmt.Errorf("no ready line")
	})
}

func (p *platform) health() error {
	res, err := http.Get(p.endpoint + "/_neargate/health")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s", res.Status)
	}
	return nil
}

// kill ends serve as a crash does, terminate as a service manager does; tasks and traffic go on after both.
func (p *platform) kill()            { _ = p.signal(syscall.SIGKILL) }
func (p *platform) terminate() error { return p.signal(syscall.SIGTERM) }

// interrupt ends serve as Ctrl-C does: with everything it made.
func (p *platform) interrupt() error { return p.signal(syscall.SIGINT) }

func (p *platform) signal(s syscall.Signal) error {
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(s); err != nil {
		return err
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		_ = cmd.Process.Signal(syscall.SIGQUIT) // shows where it hangs
		time.Sleep(time.Second)
		_ = cmd.Process.Kill()
		return fmt.Errorf("serve still runs %v after %v", patience, s)
	}
}

// edge is the process of the data plane that was started last, the zero one while there is none.
func (p *platform) edge() process.ID {
	text, _ := os.ReadFile(filepath.Join(p.dir, "edge", "pid"))
	return process.Parse(string(text))
}

// killEdge kills the data plane and returns when it is gone: what a dying process answers does not count.
func (p *platform) killEdge() (killed process.ID, at time.Time) {
	p.t.Helper()
	p.eventually(patience, "there is a data plane", func() error {
		if killed = p.edge(); !killed.Alive() {
			return fmt.Errorf("%v", killed)
		}
		return nil
	})
	at = time.Now()
	killed.Kill()
	p.eventually(patience, "the data plane is gone", func() error {
		if killed.Alive() {
			return fmt.Errorf("%v", killed)
		}
		return nil
	})
	return killed, at
}

// load makes an image known to every task.
func (p *platform) load(archive, name string) {
	p.t.Helper()
	p.neargate("image", "load", archive, "--name", name)
}

// neargate runs one of the program's own commands against the platform.
func (p *platform) neargate(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatalf("neargate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *platform) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.binary, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+p.endpoint)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// exec runs a command in a task's container and returns what it says.
func (p *platform) exec(task string, command ...string) (string, error) {
	return p.try(append([]string{"exec", task, "--"}, command...)...)
}

func (p *platform) status() control.Status {
	p.t.Helper()
	var s control.Status
	res, err := http.Get(p.endpoint + "/_neargate/status")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// environment is what AWS clients are started with: nothing of the caller's AWS configuration.
func (p *platform) environment(more ...string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") {
			env = append(env, e)
		}
	}
	return append(append(env,
		"AWS_ENDPOINT_URL="+p.endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test",
		"AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null"), more...)
}

// eventually waits until a condition holds.
func (p *platform) eventually(limit time.Duration, what string, holds func() error) {
	p.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// run runs a client and returns its standard output.
func (p *platform) run(dir string, env []string, name string, args ...string) string {
	p.t.Helper()
	out, err := p.runs(dir, env, name, args...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", filepath.Base(name), strings.Join(args, " "), err)
	}
	return out
}

func (p *platform) runs(dir string, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaint bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w\n%s%s", err, out.String(), complaint.String())
	}
	return out.String(), nil
}
