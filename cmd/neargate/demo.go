package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/neargate/neargate/internal/demo"
)

// readyLimit is how long the demo waits for its platform.
const readyLimit = time.Minute

// runDemo starts a platform of its own, builds the picture on it, and takes it down again.
func runDemo(ctx context.Context, args []string) error {
	f := flags("demo")
	once := f.Bool("once", false, "run through, take everything down and exit; the default where output is no terminal")
	keep := f.Bool("stay", false, "stay up until Ctrl-C also where output is no terminal")
	listen := f.String("listen", "", "address of the platform's APIs; without it, 127.0.0.1:4566 or any free port")
	region := f.String("region", "us-east-1", "AWS Region")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if *once && *keep {
		return errors.New("--once takes everything down, --stay does not: choose one")
	}
	if err := needRoot(); err != nil {
		return err
	}
	// Whoever reads the output may end first, as tee does at Ctrl-C: what was started is taken down all the same.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	terminal := isatty.IsTerminal(os.Stdout.Fd())
	dir, err := os.MkdirTemp("", "neargate-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := startPlatform(ctx, dir, *listen, *region)
	if errors.Is(err, context.Canceled) {
		return wasInterrupted()
	}
	if err != nil {
		return err
	}
	result, err := demo.Run(ctx, demo.Config{Endpoint: p.endpoint, Region: *region, Out: os.Stdout, Terminal: terminal})
	if err == nil && stays(os.Stdout, terminal, *once, *keep) {
		stay(ctx, p, result)
	}
	if down := p.takeDown(); down != nil {
		err = errors.Join(err, down)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return wasInterrupted()
	case err != nil:
		p.showLog(os.Stderr)
		return err
	}
	fmt.Println(result.Summary())
	if !result.Held() {
		return exitCode(1)
	}
	return nil
}

func wasInterrupted() error {
	fmt.Println("interrupted; everything is taken down")
	return exitCode(130)
}

// stays tells whether the picture is left standing, and says so when it is taken down although nobody asked for that.
func stays(out io.Writer, terminal, once, keep bool) bool {
	if !terminal && !once && !keep {
		fmt.Fprintln(out, "\noutput is no terminal: taking everything down (--stay keeps it up; make demo DEMO_FLAGS=--stay)")
	}
	return keep || terminal && !once
}

// stay leaves the picture standing until Ctrl-C.
func stay(ctx context.Context, p *platform, r demo.Result) {
	fmt.Printf("\n%s\n\nIt stays up until Ctrl-C. In another terminal:\n\n", r.Summary())
	fmt.Printf("  curl %s\n  eval \"$(bin/neargate env --endpoint %s)\"\n  bin/neargate status\n  aws ecs describe-services --cluster demo --services demo\n\n", r.URL, p.endpoint)
	select {
	case <-ctx.Done():
	case <-p.ended:
	}
	fmt.Println("\ntaking everything down")
}

// platform is a `neargate serve` of our own.
type platform struct {
	cmd      *exec.Cmd
	endpoint string
	log      string
	ended    chan struct{}
	err      error // set when ended is closed
}

func startPlatform(ctx context.Context, dir, listen, region string) (*platform, error) {
	if listen == "" {
		listen = freeAddress("127.0.0.1:4566")
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &platform{log: filepath.Join(dir, "serve.log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(binary, "serve", "--data-dir", filepath.Join(dir, "data"), "--listen", listen, "--region", region)
	p.cmd.Stderr = log
	// Ctrl-C reaches this process alone, which ends the platform in its own time.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), "endpoint "); ok && len(ready) == 0 {
				ready <- strings.TrimSuffix(strings.Fields(rest)[0], ",")
			}
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case p.endpoint = <-ready:
		return p, nil
	case <-p.ended:
		err = fmt.Errorf("the platform did not start: %w", p.err)
	case <-ctx.Done():
		if err := p.takeDown(); err != nil {
			p.showLog(os.Stderr)
			return nil, fmt.Errorf("interrupted: %w", err)
		}
		return nil, ctx.Err()
	case <-time.After(readyLimit):
		err = fmt.Errorf("the platform is not ready after %s", readyLimit)
	}
	p.showLog(os.Stderr)
	return nil, errors.Join(err, p.takeDown())
}

// freeAddress is the wanted address if nobody listens there, else any port.
func freeAddress(wanted string) string {
	l, err := net.Listen("tcp", wanted)
	if err != nil {
		return "127.0.0.1:0"
	}
	l.Close()
	return wanted
}

// takeDown interrupts the platform and waits until it has removed everything.
func (p *platform) takeDown() error {
	select {
	case <-p.ended:
	default:
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			return err
		}
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(takeDown):
		return errors.New("the platform does not end: its log is " + p.log)
	}
}

func (p *platform) showLog(w io.Writer) {
	if text, err := os.ReadFile(p.log); err == nil {
		fmt.Fprintf(w, "the platform's log:\n%s", text)
	}
}
