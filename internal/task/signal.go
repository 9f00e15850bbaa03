package task

import (
	"strconv"
	"strings"
	"syscall"
)

// signals an image's STOPSIGNAL may name; numbers are taken as they are.
var signals = map[string]syscall.Signal{
	"SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT, "SIGABRT": syscall.SIGABRT,
	"SIGKILL": syscall.SIGKILL, "SIGUSR1": syscall.SIGUSR1, "SIGUSR2": syscall.SIGUSR2, "SIGPIPE": syscall.SIGPIPE,
	"SIGALRM": syscall.SIGALRM, "SIGTERM": syscall.SIGTERM, "SIGCONT": syscall.SIGCONT, "SIGWINCH": syscall.SIGWINCH,
	"SIGRTMIN": 34, "SIGRTMIN+3": 37, "SIGPWR": syscall.SIGPWR,
}

// signalNumber reads "SIGQUIT", "quit" or "3"; what it does not know is SIGTERM, as with Docker.
func signalNumber(name string) syscall.Signal {
	name = strings.ToUpper(name)
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "SIG")); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n)
	}
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if s, ok := signals[name]; ok {
		return s
	}
	return syscall.SIGTERM
}
