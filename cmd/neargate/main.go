// Command neargate runs Amazon ECS and AWS Fargate architectures on a Linux
// machine. One file per verb; the verbs stand in one list.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/neargate/neargate/internal/machine/containers"
)

// version is set by the build.
var version = "dev"

// verb is one command.
type verb struct {
	name  string
	args  string // as usage shows them
	short string
	run   func(ctx context.Context, args []string) error
}

// verbs are all of them, in the order of the help.
func verbs() []verb {
	return []verb{
		{"demo", "[--once | --stay] [flags]", "build a production service here and roll it over under load", runDemo},
		{"serve", "[flags]", "run the platform: AWS APIs and all that is behind them", runServe},
		{"env", "[flags]", "print the variables that point AWS clients here", runEnv},
		{"status", "[flags]", "services, tasks and load balancers at a glance", runStatus},
		{"ps", "[-a] [flags]", "tasks and their containers", runPs},
		{"address", "LOAD-BALANCER [flags]", "print the loopback address that leads to a load balancer", runAddress},
		{"logs", "[-f] TASK|SERVICE [flags]", "what containers say, in the order of time", runLogs},
		{"exec", "[-t] TASK|SERVICE [flags] -- COMMAND", "run a command in a container", runExec},
		{"image", "load FILE | build DIR | ls [flags]", "images known to every task", runImage},
		{"ca", "[flags]", "print the root certificate that HTTPS clients have to trust", runCA},
		{"down", "[flags]", "remove all that a data directory's platform made", runDown},
		{"edge", "[flags]", "the data plane; serve starts it", runEdge},
		{"version", "", "print the version", runVersion},
	}
}

func main() {
	containers.MaybeShim() // this binary under another name; nothing may come before

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := 0
	if err := run(ctx, os.Args[1:]); err != nil {
		var exit exitCode
		if errors.As(err, &exit) {
			code = int(exit)
		} else {
			fmt.Fprintln(os.Stderr, "neargate:", err)
			code = 1
		}
	}
	stop()
	os.Exit(code)
}

// exitCode ends the program with a code and without a word.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(os.Stdout)
		return nil
	}
	for _, v := range verbs() {
		if v.name == args[0] {
			err := v.run(ctx, args[1:])
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
	}
	usage(os.Stderr)
	return fmt.Errorf("there is no command %q", args[0])
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Neargate runs Amazon ECS and AWS Fargate architectures on this machine.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  neargate %-8s %-38s %s\n", v.name, v.args, v.short)
	}
	fmt.Fprint(w, "\nneargate COMMAND -h tells a command's flags.\n")
}

// flags is a flag set whose mistakes are errors, not exits.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("neargate "+name, flag.ContinueOnError)
	f.SetOutput(os.Stderr)
	return f
}

// parse reads flags wherever they stand among the arguments, up to "--", and
// returns the others.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		used := len(args) - f.NArg()
		if used > 0 && args[used-1] == "--" || f.NArg() == 0 {
			return append(rest, f.Args()...), nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

// none refuses arguments that a verb has no use for.
func none(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument: %s", strings.Join(args, " "))
	}
	return nil
}

func runVersion(_ context.Context, args []string) error {
	if err := none(args); err != nil {
		return err
	}
	fmt.Println("neargate", version)
	return nil
}
