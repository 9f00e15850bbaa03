package fabric

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// dumpTries bounds how often a listing is begun anew.
const dumpTries = 20

// dump lists objects of the kernel. It begins anew when the kernel says that they changed while it listed them: the machine's
// namespace is shared with whoever makes links and routes there.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	var all []T
	var err error
	for range dumpTries {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return all, err
}
