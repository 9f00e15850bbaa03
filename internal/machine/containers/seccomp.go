package containers

import (
	"os"
	"runtime"
	"slices"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	continuity "github.com/containerd/continuity/fs"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// filter is the default system call filter, for the machine's own architecture and, if the image has programs for them (foreign),
// for the older ones it can run too. Every architecture costs runc about 10 ms at each start of a container, and most images have
// no use for a second one.
func filter(s *specs.Spec, foreign bool) *specs.LinuxSeccomp {
	f := seccomp.DefaultProfile(s)
	if native := map[string]specs.Arch{"amd64": specs.ArchX86_64, "arm64": specs.ArchAARCH64}[runtime.GOARCH]; native != "" && !foreign {
		f.Architectures = []specs.Arch{native}
	}
	return f
}

// loaders are what 32-bit programs of an image are started with.
var loaders = []string{
	"/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1", "/lib/ld-linux.so.3", "/lib/ld-linux-armhf.so.3", "/lib/ld-musl-armhf.so.1",
}

func has32bit(root string) bool {
	return slices.ContainsFunc(loaders, func(path string) bool {
		at, err := continuity.RootPath(root, path)
		if err != nil {
			return false
		}
		_, err = os.Stat(at)
		return err == nil
	})
}
