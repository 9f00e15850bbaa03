package containers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	continuity "github.com/containerd/continuity/fs"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/task"
)

// fillVolumes copies what the image has at the paths of still empty volumes into them, with owner and mode, as Docker does. It
// runs under the sandbox's lock: the first container that mounts a volume fills it.
func (e *Engine) fillVolumes(s *sandbox, spec task.ContainerSpec, root string) error {
	for _, m := range spec.Mounts {
		volume := e.cfg.volume(s.TaskID, m.Volume)
		entries, err := os.ReadDir(volume)
		if err != nil {
			return fmt.Errorf("volume %s: %w", m.Volume, err)
		}
		if len(entries) > 0 {
			continue
		}
		from, err := continuity.RootPath(root, m.Path)
		if err != nil {
			return fmt.Errorf("volume %s: %w", m.Volume, err)
		}
		fi, err := os.Stat(from)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !fi.IsDir() || from == root {
			continue
		} else if err != nil {
			return fmt.Errorf("volume %s: %w", m.Volume, err)
		}
		if err := continuity.CopyDir(volume, from); err != nil {
			return fmt.Errorf("volume %s: %w", m.Volume, err)
		}
	}
	return nil
}

// removeTree removes a directory that containers wrote to, immutable files included. A shim may still be putting a file into it
// (it writes the exit status down after it has told it), so that a second look is needed.
func removeTree(path string) error {
	err := os.RemoveAll(path)
	for wait := time.Millisecond; errors.Is(err, unix.ENOTEMPTY) && wait < 100*time.Millisecond; wait *= 2 {
		time.Sleep(wait)
		err = os.RemoveAll(path)
	}
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && (d.IsDir() || d.Type().IsRegular()) {
			clearFlags(p)
		}
		return nil
	})
	return os.RemoveAll(path)
}

func clearFlags(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, 0)
}
