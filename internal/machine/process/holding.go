package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Holding are the other processes that have the file of that absolute path open, also one that has been deleted since.
func Holding(path string) ([]ID, error) { return openers(path, os.Getpid()) }

// openers are the processes but one that have a file open, which may also be a socket: socket:[INODE].
func openers(path string, but int) ([]ID, error) {
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []ID
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == but || !holds(pid, path) {
			continue
		}
		if id := Identify(pid); id.PID != 0 {
			found = append(found, id)
		}
	}
	return found, nil
}

// Holds is whether the process has the file of that absolute path open.
func (p ID) Holds(path string) bool { return holds(p.PID, path) && p.Alive() }

// holds is false for a process that has ended or is hidden from us.
func holds(pid int, path string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		link, _ := os.Readlink(filepath.Join(dir, fd.Name()))
		if strings.TrimSuffix(link, " (deleted)") == path {
			return true
		}
	}
	return false
}
