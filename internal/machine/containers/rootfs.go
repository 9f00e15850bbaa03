package containers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"
)

// mountRoot stacks the layers and a writable directory of the container's own on bundle/rootfs.
func mountRoot(bundle string, lower []string) error {
	for _, d := range []string{"rootfs", "upper", "overlay"} {
		if err := os.Mkdir(filepath.Join(bundle, d), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if len(lower) == 0 { // an image without layers
		lower = []string{filepath.Join(bundle, "empty")}
		if err := os.MkdirAll(lower[0], 0o755); err != nil {
			return err
		}
	}
	options := []string{
		"lowerdir=" + strings.Join(lower, ":"),
		"upperdir=" + filepath.Join(bundle, "upper"),
		"workdir=" + filepath.Join(bundle, "overlay"),
	}
	m := mount.Mount{Type: "overlay", Source: "overlay"}
	// Nothing in a task's file system outlives the task: there is no use in writing it to the disk in any order or at all, and
	// unmounting would wait for all of it.
	m.Options = append(options, "volatile")
	root := filepath.Join(bundle, "rootfs")
	err := m.Mount(root)
	if errors.Is(err, unix.EINVAL) { // Linux before 5.10
		m.Options = options
		err = m.Mount(root)
	}
	return err
}

func unmountRoot(bundle string) error {
	root := filepath.Join(bundle, "rootfs")
	for {
		err := unix.Unmount(root, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) { // not mounted
			return nil
		} else if err != nil {
			return fmt.Errorf("unmount %s: %w", root, err)
		}
	}
}
