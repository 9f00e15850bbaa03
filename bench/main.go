// Command bench measures every figure that Neargate is held to, each beside its peer where it has one: the same work, the same
// client, in turn, in one run on one machine. It prints what it finds and writes it into a Markdown file.
//
//	make bench
//	make build && go run ./bench -only tasks -quick
//
// Peers are moto_server, Debian's containerd with its ctr, and nginx behind wrk; a comparison whose peer is missing says so by name.
// It needs root, and a machine that does nothing else: the load average is part of the report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

// section is a group of figures that are measured together.
type section struct {
	name, title string
	measure     func(ctx context.Context, r *run) (findings, error)
}

// sections stand in the order in which they run and are reported.
func sections() []section {
	return []section{
		{"start", "Start", measureStart},
		{"tasks", "Tasks", measureTasks},
		{"api", "APIs", measureAPI},
		{"writes", "Durable writes", measureWrites},
		{"balancer", "Load balancer", measureBalancer},
		{"network", "Network load balancer", measureNetwork},
		{"rollout", "Rolling deployments under load", measureRollouts},
		{"crash", "Crashes of the control plane during deployments under load", measureCrashes},
		{"idle", "At rest", measureIdle},
		{"crowd", "100,000 tasks on a simulated machine", measureCrowd},
	}
}

// run is one run of this program.
type run struct {
	quick   bool
	binary  string // neargate
	image   string // archive of the demo application, once it has been built
	dir     string // scratch, gone afterwards
	served  int    // platforms started so far
	verbose bool
}

// times is how often something is measured: fewer times in a quick run.
func (r *run) times(full, quick int) int {
	if r.quick {
		return quick
	}
	return full
}

// during is how long something is measured.
func (r *run) during(full time.Duration) time.Duration {
	if r.quick {
		return max(full/5, time.Second) // wrk takes whole seconds
	}
	return full
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := f.String("only", "", "names of the sections to run, separated by commas: "+strings.Join(names(), ", "))
	out := f.String("out", "", "Markdown file to write; with -only, the file's other sections stay")
	r := &run{}
	f.BoolVar(&r.quick, "quick", false, "fewer repetitions: for a look, not for a report")
	f.StringVar(&r.binary, "neargate", "bin/neargate", "the program under test")
	f.BoolVar(&r.verbose, "v", false, "show what the platforms log")
	profile := f.String("profile", "", "file for a CPU profile of this program: of the client, and of the sections that measure in-process")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("must run as root: it starts platforms and containers")
	}
	if r.binary, err = executable(r.binary); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "neargate-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	found, err := r.all(ctx, chosen)
	if len(found.sections) > 0 && *out != "" {
		err = errors.Join(err, found.write(*out, *only == ""))
	}
	return err
}

// all runs the sections one after the other. One that fails does not keep the others from running.
func (r *run) all(ctx context.Context, chosen []section) (*report, error) {
	rep := &report{machine: describeMachine(ctx, r.binary), quick: r.quick}
	fmt.Println(rep.machine)
	var failed error
	for _, s := range chosen {
		fmt.Fprintf(os.Stderr, "%s…\n", s.title)
		began, load := time.Now(), loadAverage()
		found, err := s.measure(ctx, r)
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
			found.notes = append(found.notes, "This section ended early: "+err.Error()+".")
		}
		done := reported{section: s, findings: found, load: load, loadAfter: loadAverage(), at: began, commit: rep.machine.commit}
		rep.sections = append(rep.sections, done)
		fmt.Println(done)
	}
	return rep, failed
}

func names() []string {
	var out []string
	for _, s := range sections() {
		out = append(out, s.name)
	}
	return out
}

func choose(only string) ([]section, error) {
	all := sections()
	if only == "" {
		return all, nil
	}
	var out []section
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(s section) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no section %q: %s", name, strings.Join(names(), ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}
