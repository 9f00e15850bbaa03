package l4

import (
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/netns"
)

// pool is sockets made ahead for one loop, inside the namespace of one node: each visit there makes several.
type pool struct {
	fds  []int
	size int  // of the next batch
	used bool // since the last look
}

type poolKey struct {
	node *node
	kind int // unix.SOCK_STREAM or SOCK_DGRAM
}

const (
	firstBatch = 4
	maxBatch   = 64
)

// socket takes a socket inside the node's namespace.
func (l *loop) socket(n *node, kind int) (int, error) {
	key := poolKey{n, kind}
	p := l.pools[key]
	if p == nil {
		p = &pool{size: firstBatch}
		l.pools[key] = p
		l.spare.Store(true)
	}
	p.used = true
	if len(p.fds) == 0 {
		ns, err := n.namespace.Namespace()
		if err != nil {
			return -1, err
		}
		if err := p.fill(ns, kind); err != nil {
			return -1, err
		}
	}
	fd := p.fds[len(p.fds)-1]
	p.fds = p.fds[:len(p.fds)-1]
	return fd, nil
}

func (p *pool) fill(ns *netns.Namespace, kind int) (err error) {
	size := p.size
	if ns.Path() == "" {
		size = 1 // nothing is saved by going there less often
	}
	p.fds, err = ns.Sockets(kind, size)
	p.size = min(2*p.size, maxBatch)
	return err
}

// stale reports whether nobody has asked since the last look.
func (p *pool) stale() bool {
	was := p.used
	p.used = false
	return !was
}

func (p *pool) drop() {
	for _, fd := range p.fds {
		unix.Close(fd)
	}
	p.fds = nil
}

// dropPools drops those of a node.
func (l *loop) dropPools(n *node) {
	for key, p := range l.pools {
		if key.node == n {
			p.drop()
			delete(l.pools, key)
		}
	}
}
