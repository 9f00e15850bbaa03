package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A named namespace is a bind mount of the namespace on a file in dir, as `ip netns` makes it: it lives without a process in it.

// prepareNamespaceDir makes dir a shared mount of its own. Without that a namespace would live on in the mount namespaces
// of processes started meanwhile after it was unmounted here.
func prepareNamespaceDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil { // against `ip netns` and other platforms, which do the same
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	err = unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) { // not a mount point yet
		if err := unix.Mount(dir, dir, "none", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
		err = unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, "")
	}
	if err != nil {
		return fmt.Errorf("share mount %s: %w", dir, err)
	}
	return nil
}

// createNamespace makes a network namespace, names it path and runs setup in it.
// If anything fails nothing is left.
func createNamespace(path string, setup func() error) error {
	return onThread(func() error {
		origin, err := netns.Get()
		if err != nil {
			return err
		}
		defer origin.Close()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("new network namespace: %w", err)
		}
		err = nameThreadNamespace(path)
		if err == nil {
			if err = setup(); err != nil {
				err = errors.Join(err, removeNamespace(path))
			}
		}
		return leave(origin, err)
	})
}

func nameThreadNamespace(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	if err := unix.Mount("/proc/thread-self/ns/net", path, "none", unix.MS_BIND, ""); err != nil {
		return errors.Join(fmt.Errorf("mount %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// inNamespace runs fn on a thread that is in ns. Sockets that fn opens belong to ns for ever.
func inNamespace(ns netns.NsHandle, fn func() error) error {
	return onThread(func() error {
		origin, err := netns.Get()
		if err != nil {
			return err
		}
		defer origin.Close()
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return leave(origin, fn())
	})
}

// strandedError says that the thread could not return to its own namespace.
type strandedError struct{ error }

func leave(origin netns.NsHandle, err error) error {
	if back := netns.Set(origin); back != nil {
		return errors.Join(err, strandedError{fmt.Errorf("return from network namespace: %w", back)})
	}
	return err
}

// onThread runs fn on a thread that nobody else uses meanwhile. A stranded thread dies with its goroutine
// instead of serving others in a foreign namespace.
func onThread(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := fn()
		if !errors.As(err, new(strandedError)) {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// removeNamespace takes the name away; the kernel takes the namespace apart, with its links, once no process is in it. That is asynchronous.
func removeNamespace(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openNamespace opens a named namespace. A file that is not one, which a crash between two steps leaves, does not exist.
func openNamespace(path string) (netns.NsHandle, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return netns.None(), &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	if st.Type != unix.NSFS_MAGIC {
		return netns.None(), fmt.Errorf("%s is no namespace: %w", path, fs.ErrNotExist)
	}
	return netns.GetFromPath(path)
}

// namespacesOf lists the ids of the namespaces in dir whose names have the prefix.
func namespacesOf(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.Name(), prefix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// sysctl sets a kernel parameter of the calling thread's network namespace, for example "net/ipv4/ip_forward".
func sysctl(name, value string) error {
	return os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0)
}
