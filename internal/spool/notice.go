package spool

import (
	"encoding/binary"
	"os"
	"sync"
	"syscall"
)

// notices tells readers that their files have been written to. There is one for the process: the kernel allows a user few inotify
// instances, but many watches in each.
type notices struct {
	fd int
	f  *os.File // the same; its Fd method would take it away from the poller

	mu    sync.Mutex
	files map[int32]map[chan struct{}]bool // by watch descriptor, which is one per file however often it is asked for
}

var shared = sync.OnceValues(func() (*notices, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	n := &notices{fd: fd, f: os.NewFile(uintptr(fd), "inotify"), files: map[int32]map[chan struct{}]bool{}}
	go n.read()
	return n, nil
})

// read runs as long as the process.
func (n *notices) read() {
	buf := make([]byte, 64*(syscall.SizeofInotifyEvent+syscall.NAME_MAX+1))
	for {
		size, err := n.f.Read(buf)
		if err != nil {
			return
		}
		n.mu.Lock()
		for b := buf[:size]; len(b) >= syscall.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			if mask&syscall.IN_Q_OVERFLOW != 0 { // for whom is lost: for everybody
				for _, readers := range n.files {
					wake(readers)
				}
			}
			wake(n.files[wd])
			b = b[min(len(b), syscall.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:]))):]
		}
		n.mu.Unlock()
	}
}

func wake(readers map[chan struct{}]bool) {
	for ch := range readers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// subscribe makes ch receive when the file at path is written to.
func (n *notices) subscribe(path string, ch chan struct{}) (wd int32, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, err := syscall.InotifyAddWatch(n.fd, path, syscall.IN_MODIFY)
	if err != nil {
		return 0, err
	}
	wd = int32(id)
	if n.files[wd] == nil {
		n.files[wd] = map[chan struct{}]bool{}
	}
	n.files[wd][ch] = true
	return wd, nil
}

func (n *notices) unsubscribe(wd int32, ch chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.files[wd], ch)
	if len(n.files[wd]) == 0 {
		delete(n.files, wd)
		_, _ = syscall.InotifyRmWatch(n.fd, uint32(wd))
	}
}
