package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ID is a process's number and the time of its start. The zero one is no process.
type ID struct {
	PID   int    `json:",omitempty"`
	Start uint64 `json:",omitempty"` // of proc(5) stat, in ticks since boot
}

// Identify is the living process with that number, the zero ID where there is none.
func Identify(pid int) ID {
	start, err := startTime(pid)
	if err != nil {
		return ID{}
	}
	return ID{PID: pid, Start: start}
}

// Parse reads what String wrote; anything else is no process.
func Parse(text string) ID {
	pid, start, _ := strings.Cut(strings.TrimSpace(text), " ")
	var id ID
	var err error
	if id.PID, err = strconv.Atoi(pid); err != nil || id.PID <= 1 {
		return ID{}
	}
	if id.Start, err = strconv.ParseUint(start, 10, 64); err != nil {
		return ID{}
	}
	return id
}

func (p ID) String() string { return fmt.Sprintf("%d %d", p.PID, p.Start) }

// Alive says whether the process has not ended. A zombie has.
func (p ID) Alive() bool { return p.PID != 0 && Identify(p.PID) == p }

// Signal sends a signal to the process if it is alive.
func (p ID) Signal(s syscall.Signal) error {
	if !p.Alive() {
		return syscall.ESRCH
	}
	return syscall.Kill(p.PID, s)
}

// Kill ends the process, if it is alive.
func (p ID) Kill() { _ = p.Signal(syscall.SIGKILL) }

// startTime is field 22 of /proc/<pid>/stat.
func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // behind the name, which may hold anything
	if len(f) < 20 || f[0][0] == 'Z' || f[0][0] == 'X' {
		return 0, fmt.Errorf("process %d is over", pid)
	}
	return strconv.ParseUint(string(f[19]), 10, 64)
}
