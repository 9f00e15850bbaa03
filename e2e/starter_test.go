package e2e

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// starter starts processes from one thread, which ends with the tests. The kernel counts a process whose Pdeathsig is set as the child
// of the thread that started it, and threads end before: those of goroutines that end while they are locked to one, as they are that
// enter namespaces.
var starter = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	go func() {
		runtime.LockOSThread() // and never unlocked
		for start := range starts {
			start()
		}
	}()
	return starts
})

// startBound starts a process that is interrupted, and so takes down what it made, when the tests end without having done so: at
// their time limit, or by a panic.
func startBound(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	return <-started
}
