package process

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// Runs is whether the process runs the program in that file, or in one that is the same to the last byte.
func (p ID) Runs(path string) (bool, error) {
	running, err := os.Open(fmt.Sprintf("/proc/%d/exe", p.PID)) // opens the file that was started, also if it is deleted
	if err != nil {
		return false, err
	}
	defer running.Close()
	program, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer program.Close()
	a, err := running.Stat()
	if err != nil {
		return false, err
	}
	b, err := program.Stat()
	if err != nil {
		return false, err
	}
	if os.SameFile(a, b) {
		return true, nil
	}
	if a.Size() != b.Size() {
		return false, nil
	}
	sumA, err := sum(running)
	if err != nil {
		return false, err
	}
	sumB, err := sum(program)
	return sumA == sumB && err == nil, err
}

func sum(r io.Reader) (out [sha256.Size]byte, err error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return out, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
