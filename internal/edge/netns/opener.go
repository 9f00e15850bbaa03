package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Opener owns the thread that enters namespaces.
type Opener struct {
	calls chan call
	done  chan struct{}
	start sync.Once
	close sync.Once
}

// call is something to do inside a namespace.
type call struct {
	namespace *os.File
	do        func() error
	result    chan error
}

// NewOpener makes an Opener. Its thread starts with the first socket opened in a namespace.
func NewOpener() *Opener {
	return &Opener{calls: make(chan call), done: make(chan struct{})}
}

// Close ends the thread. Sockets stay open.
func (o *Opener) Close() { o.close.Do(func() { close(o.done) }) }

var errClosed = errors.New("namespace opener is closed")

func (o *Opener) in(namespace *os.File, do func() error) error {
	if namespace == nil {
		return do()
	}
	o.start.Do(func() { go o.run() })
	c := call{namespace, do, make(chan error, 1)}
	select {
	case o.calls <- c:
		return <-c.result
	case <-o.done:
		return errClosed
	}
}

func (o *Opener) run() {
	runtime.LockOSThread() // and never unlocked: no other goroutine may run in a foreign namespace
	var current *os.File
	for {
		select {
		case <-o.done:
			return
		case c := <-o.calls:
			if c.namespace != current {
				if err := unix.Setns(int(c.namespace.Fd()), unix.CLONE_NEWNET); err != nil {
					c.result <- fmt.Errorf("enter namespace %s: %w", c.namespace.Name(), err)
					continue
				}
				current = c.namespace
			}
			c.result <- c.do()
		}
	}
}

// Namespace is an open network namespace.
type Namespace struct {
	opener *Opener
	file   *os.File // nil: the namespace the process was started in
	stat   unix.Stat_t
}

// Open opens the namespace at path; an empty path is the process's own namespace.
func (o *Opener) Open(path string) (*Namespace, error) {
	n := &Namespace{opener: o}
	if path == "" {
		return n, nil
	}
	var err error
	if n.file, err = os.Open(path); err != nil {
		return nil, err
	}
	var fs unix.Statfs_t
	err = errors.Join(unix.Fstat(int(n.file.Fd()), &n.stat), unix.Fstatfs(int(n.file.Fd()), &fs))
	if err == nil && fs.Type != unix.NSFS_MAGIC { // the file a namespace has been or will be mounted on
		err = os.ErrNotExist
	}
	if err != nil {
		n.file.Close()
		return nil, fmt.Errorf("namespace %s: %w", path, err)
	}
	return n, nil
}

// Stale reports whether the path the namespace was opened at leads elsewhere or nowhere by now.
func (n *Namespace) Stale() bool {
	if n.file == nil {
		return false
	}
	var now unix.Stat_t
	err := unix.Stat(n.file.Name(), &now)
	return err != nil || now.Ino != n.stat.Ino || now.Dev != n.stat.Dev
}

// Close lets go of the namespace. Sockets opened in it keep it alive until they are closed too.
func (n *Namespace) Close() {
	if n.file == nil {
		return
	}
	// Closed by the thread that enters namespaces, so that it never mistakes a new file for the one it is in.
	if n.opener.in(n.file, n.file.Close) == errClosed {
		n.file.Close()
	}
}

// Path is where the namespace was opened; empty for the process's own.
func (n *Namespace) Path() string {
	if n.file == nil {
		return ""
	}
	return n.file.Name()
}
