package simulated

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Behaviour is how every container of an image does. The zero Behaviour starts at once, runs until SIGTERM and is healthy.
type Behaviour struct {
	PullError  error         // *task.PullError for what the user sees
	PullTime   time.Duration // how long a pull takes
	CreateErr  error
	StartError error
	StartTime  time.Duration

	Exits     bool // by itself
	ExitAfter time.Duration
	ExitCode  int
	OOM       bool // its end is the kernel's doing

	IgnoresTerm bool
	StopTime    time.Duration // from SIGTERM to its end

	// Healthy answers a health check of a container that has been up for that long; nil is always healthy.
	Healthy func(up time.Duration) bool

	// Traps are exit codes by signal, for containers that handle it.
	Traps map[syscall.Signal]int

	prints []line
}

type line struct {
	stderr bool
	text   string
}

// program reads the words of a command, statements separated by ",". It reports whether it understood them.
func program(b Behaviour, words []string, spec *task.ContainerSpec) (Behaviour, bool) {
	for len(words) > 0 {
		n := 0
		for n < len(words) && words[n] != "," {
			n++
		}
		statement := words[:n]
		if words = words[n:]; len(words) > 0 {
			words = words[1:]
		}
		if len(statement) == 0 || !b.statement(statement, spec) {
			return b, false
		}
		if b.Exits {
			break
		}
	}
	return b, true
}

func (b *Behaviour) statement(words []string, spec *task.ContainerSpec) bool {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	switch words[0] {
	case "sleep":
	case "stubborn":
		b.IgnoresTerm = true
	case "exit":
		code, err := strconv.Atoi(arg(1))
		if err != nil {
			return false
		}
		b.Exits, b.ExitCode = true, code
	case "after":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			return false
		}
		b.ExitAfter += d
	case "trap":
		code, err := strconv.Atoi(arg(2))
		if err != nil {
			return false
		}
		traps := map[syscall.Signal]int{}
		for k, v := range b.Traps {
			traps[k] = v
		}
		traps[signal(arg(1))] = code
		b.Traps = traps
	case "print", "complain":
		b.prints = append(b.prints, line{words[0] == "complain", strings.Join(words[1:], " ")})
	case "env":
		b.prints = append(b.prints, line{false, lookup(spec.Env, arg(1))})
	case "alloc":
		mib, err := strconv.Atoi(arg(1))
		if err != nil {
			return false
		}
		if spec.MemoryMiB > 0 && mib > spec.MemoryMiB {
			b.Exits, b.OOM, b.ExitCode = true, true, 137
		}
	default:
		return false
	}
	return true
}

var errUnknownExecutable = errors.New("executable file not found in $PATH")

func signal(name string) syscall.Signal {
	switch strings.TrimPrefix(name, "SIG") {
	case "INT":
		return syscall.SIGINT
	case "HUP":
		return syscall.SIGHUP
	case "QUIT":
		return syscall.SIGQUIT
	case "USR1":
		return syscall.SIGUSR1
	}
	return syscall.SIGTERM
}

func lookup(env []string, name string) string {
	value := ""
	for _, kv := range env {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			value = v
		}
	}
	return value
}
