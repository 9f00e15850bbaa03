package pid1

import (
	"os"
	"os/signal"
	"syscall"
)

// Path is where the executable is mounted in containers, and the name under which it is an init.
const Path = "/dev/init"

func init() {
	if len(os.Args) > 0 && os.Args[0] == Path {
		args := os.Args[1:]
		if len(args) > 0 && args[0] == "--" {
			args = args[1:]
		}
		os.Exit(run(args))
	}
}

// run runs args and returns its exit status, 128+n if signal n ended it. Without args it stays until it is killed.
func run(args []string) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child := 0
	if len(args) > 0 {
		path, code := find(args[0])
		if code != 0 {
			os.Stderr.WriteString("init: " + args[0] + ": " + syscall.Errno(code).Error() + "\n")
			if syscall.Errno(code) == syscall.ENOENT {
				return 127
			}
			return 126
		}
		// The child leads its own group and, if there is a terminal, owns it, so that a shell in it can control jobs.
		attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true, Foreground: terminal(), Ctty: 0}}
		pid, err := syscall.ForkExec(path, args, attr)
		if err != nil {
			os.Stderr.WriteString("init: " + args[0] + ": " + err.Error() + "\n")
			return 126
		}
		child = pid
	}
	for s := range signals {
		switch n := s.(syscall.Signal); n {
		case syscall.SIGCHLD:
			if status, over := reap(child); over {
				return status
			}
		case syscall.SIGURG, syscall.SIGTTIN, syscall.SIGTTOU: // the Go runtime's own, and the terminal's to us alone
		default:
			if child != 0 {
				_ = syscall.Kill(child, n)
			}
		}
	}
	return 0
}

// reap collects every process that has ended; over tells that child is among them.
func reap(child int) (status int, over bool) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return status, over
		}
		if pid != child {
			continue
		}
		over = true
		if status = ws.ExitStatus(); ws.Signaled() {
			status = 128 + int(ws.Signal())
		}
	}
}

func terminal() bool {
	var st syscall.Stat_t
	return syscall.Fstat(0, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFCHR && st.Rdev>>8 >= 136 && st.Rdev>>8 <= 143
}

// find looks name up as a shell would.
func find(name string) (string, int) {
	for i := range name {
		if name[i] == '/' {
			return name, executable(name)
		}
	}
	last := int(syscall.ENOENT)
	path, start := os.Getenv("PATH"), 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) && path[i] != ':' {
			continue
		}
		dir := path[start:i]
		start = i + 1
		if dir == "" {
			dir = "."
		}
		code := executable(dir + "/" + name)
		if code == 0 {
			return dir + "/" + name, 0
		}
		if code == int(syscall.EACCES) {
			last = code
		}
	}
	return "", last
}

func executable(path string) int {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		if errno, ok := err.(syscall.Errno); ok {
			return int(errno)
		}
		return int(syscall.ENOENT)
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG || st.Mode&0o111 == 0 {
		return int(syscall.EACCES)
	}
	return 0
}
