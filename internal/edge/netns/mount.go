package netns

import (
	"errors"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/retry"
)

// Mount is a path at which a namespace is mounted: sooner or later, perhaps not any more, or another one by now. All but Namespace is for one
// caller at a time.
type Mount struct {
	opener  *Opener
	path    string
	problem error // why it is not open
	open    atomic.Pointer[Namespace]
}

// ErrAbsent tells that there is no namespace.
var ErrAbsent = errors.New("the network namespace is not there")

// Mount makes a Mount at which nothing is open until Ensure.
func (o *Opener) Mount(path string) *Mount { return &Mount{opener: o, path: path} }

// Ensure opens the namespace if it has come meanwhile. If the one that was open has gone it calls lost, for whatever was in it. It reports whether
// a namespace is open, and whether that has changed, or why there is none.
func (m *Mount) Ensure(lost func()) (open, changed bool) {
	ns := m.open.Load()
	if ns != nil && !ns.Stale() {
		return true, false
	}
	if ns != nil {
		m.Close() // first: nobody makes further sockets in it
		lost()
	}
	next, err := m.opener.Open(m.path)
	changed = ns != nil || retry.News(m.problem, err)
	if m.problem = err; err != nil {
		return false, changed
	}
	m.open.Store(next)
	return true, changed
}

// Problem is why nothing is open, nil before the first attempt.
func (m *Mount) Problem() error { return m.problem }

// Namespace is what is open; without it the error is ErrAbsent.
func (m *Mount) Namespace() (*Namespace, error) {
	if ns := m.open.Load(); ns != nil {
		return ns, nil
	}
	return nil, ErrAbsent
}

// Close lets go of what is open. Ensure opens it again.
func (m *Mount) Close() {
	if ns := m.open.Swap(nil); ns != nil {
		ns.Close()
	}
}
