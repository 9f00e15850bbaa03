package door

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// A platform that gives up a port of 127.0.0.1 leaves the listening socket to a neighbour with names there. Who connects meanwhile waits in the
// socket's queue until the heir accepts: there is no moment in which nobody listens.

// inbox is the socket beside a platform's file of names to which neighbours send what they leave it.
func inbox(names string) string { return names + ".sock" }

// openInbox begins to take what neighbours leave; nil if this platform is alone. An inbox that a process before has left is replaced.
func openInbox(names string) (*net.UnixConn, error) {
	if names == "" {
		return nil, nil
	}
	if err := os.Remove(inbox(names)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnixgram("unixgram", &net.UnixAddr{Name: inbox(names), Net: "unixgram"})
}

// bequeath leaves the listening socket of a shared door to the first neighbour with names on its port that takes it. Without one it ends
// with us.
func (k *Keeper) bequeath(d *door) {
	if d.address.Addr() != shared {
		return
	}
	for _, n := range k.others() {
		if !n.names.on(d.address.Port()) {
			continue
		}
		if err := send(d.listener, inbox(n.path)); err != nil {
			k.log.Debug("door is not left to a neighbour", "address", d.address, "neighbour", n.path, "err", err)
			continue
		}
		return
	}
}

// send gives a process a listening socket. It does not wait: a process that does not read leaves the port to whoever tries next.
func send(l *net.TCPListener, to string) error {
	s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		sent = unix.Sendmsg(s, []byte{0}, unix.UnixRights(int(fd)), &unix.SockaddrUnix{Name: to}, unix.MSG_DONTWAIT)
	})
	return errors.Join(err, sent)
}

// inherit takes sockets until the inbox is closed.
func (k *Keeper) inherit() {
	b, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	for {
		_, n, _, _, err := k.inbox.ReadMsgUnix(b, rights)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		var l net.Listener
		if err == nil {
			l, err = unpack(rights[:n])
		}
		if err != nil {
			k.log.Warn("a neighbour's door is lost", "err", err)
			continue
		}
		k.adopt(l)
	}
}

// unpack makes a listener of what send sent.
func unpack(rights []byte) (net.Listener, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	if len(messages) != 1 {
		return nil, fmt.Errorf("%d sockets in a message", len(messages))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fds[0]), "door")
	defer f.Close() // the listener has a file of its own
	return net.FileListener(f)
}

// adopt opens the door that a socket belongs to, if it is still closed.
func (k *Keeper) adopt(l net.Listener) {
	if !k.opened(l) {
		l.Close()
		return
	}
	k.log.Info("door taken over from a neighbour", "address", l.Addr())
	k.changed()
}

func (k *Keeper) opened(l net.Listener) bool {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.doors[t.Addr().(*net.TCPAddr).AddrPort()]
	if d == nil || d.listener != nil || k.ctx.Err() != nil {
		return false
	}
	d.begin(t)
	d.problem = nil
	return true
}
