package containers

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	continuity "github.com/containerd/continuity/fs"
	"github.com/moby/sys/user"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// resolveUser finds the ids of a user[:group] in an image whose root file system is at root.
func resolveUser(root, own, image string) (specs.User, error) {
	passwd, err := openInside(root, "/etc/passwd")
	if err != nil {
		return specs.User{}, err
	}
	defer passwd.Close()
	group, err := openInside(root, "/etc/group")
	if err != nil {
		return specs.User{}, err
	}
	defer group.Close()
	wanted := cmp.Or(own, image)
	u, err := user.GetExecUser(wanted, &user.ExecUser{}, passwd, group)
	if err != nil {
		return specs.User{}, err
	}
	out := specs.User{UID: uint32(u.Uid), GID: uint32(u.Gid)}
	for _, g := range u.Sgids {
		out.AdditionalGids = append(out.AdditionalGids, uint32(g))
	}
	return out, nil
}

// openInside opens a file below root, following links as if root were /. A file that is not there is empty: images need not know
// any users. A pipe or a device, whose reader could wait for ever or read what is the machine's, is refused.
func openInside(root, path string) (io.ReadCloser, error) {
	at, err := continuity.RootPath(root, path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(at, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Open(os.DevNull)
	}
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
