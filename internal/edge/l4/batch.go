package l4

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize    = 32
	datagramRoom = 64 << 10 // the largest datagram there is
)

// batch is datagrams received and sent with one system call each. Its memory is touched only as far as datagrams are large.
type batch struct {
	room [batchSize * datagramRoom]byte
	from [batchSize]unix.RawSockaddrInet4
	in   [batchSize]message
	out  [batchSize]message
	ins  [batchSize]unix.Iovec
	outs [batchSize][2]unix.Iovec
}

// message is struct mmsghdr.
type message struct {
	unix.Msghdr
	size uint32
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.in {
		b.ins[i].Base = &b.room[i*datagramRoom]
		b.ins[i].SetLen(datagramRoom)
		b.in[i].Iov = &b.ins[i]
		b.in[i].SetIovlen(1)
		b.in[i].Name = (*byte)(unsafe.Pointer(&b.from[i]))
		b.out[i].Iov = &b.outs[i][0]
	}
	return b
}

// receive takes what has arrived. An error is that of an earlier datagram unless it is EAGAIN.
func (b *batch) receive(fd int) (int, error) {
	for i := range b.in {
		b.in[i].Namelen = unix.SizeofSockaddrInet4
	}
	for {
		n, _, err := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.in[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}

// send sends the datagrams from the i-th up to the j-th, each after the header, to an address or where the socket is connected to. What can not
// be sent is lost, as datagrams are. It returns the octets of the datagrams.
func (b *batch) send(fd, i, j int, header []byte, to *unix.RawSockaddrInet4) (octets uint64) {
	for k := i; k < j; k++ {
		m, parts := &b.out[k], &b.outs[k]
		n := 0
		if len(header) > 0 {
			parts[0].Base = &header[0]
			parts[0].SetLen(len(header))
			n = 1
		}
		parts[n].Base = &b.room[k*datagramRoom]
		parts[n].SetLen(int(b.in[k].size))
		m.SetIovlen(n + 1)
		m.Name, m.Namelen = nil, 0
		if to != nil {
			m.Name, m.Namelen = (*byte)(unsafe.Pointer(to)), unix.SizeofSockaddrInet4
		}
		octets += uint64(b.in[k].size)
	}
	told := false
	for i < j {
		n, _, err := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.out[i])), uintptr(j-i), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case err == unix.EINTR:
		case err == unix.ECONNREFUSED && !told: // of an earlier datagram; this one was not sent yet
			told = true
		case err != 0: // no room, or no way
			i++
		default:
			i += max(int(n), 1)
		}
	}
	return octets
}
