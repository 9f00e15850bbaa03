package images

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff/apply"
	ctrimages "github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/log"
	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sync/singleflight"
)

const (
	snapshotter = "overlayfs"
	// loaded marks images that came from an archive: their names are known here, no registry is asked about them.
	loaded = "neargate/loaded"
	// used says when a pulled image was last asked for, to the hour.
	used = "neargate/used"
)

// Config says where the store lives and how it reaches registries.
type Config struct {
	Dir      string // everything is below it
	Registry Locate // nil: every registry is where its name says
}

// Store is the images of one platform. It is safe for concurrent use; only one process at a time may open a directory.
type Store struct {
	platform ocispec.Platform
	match    platforms.MatchComparer
	locate   Locate
	proxy    func(*http.Request) (*url.URL, error) // the host's way to registries

	bolt    *bolt.DB
	db      *metadata.DB
	overlay snapshots.Snapshotter
	content content.Store
	layers  snapshots.Snapshotter
	images  ctrimages.Store
	applier applier

	pulls singleflight.Group
	inUse sync.RWMutex // held for writing while garbage is collected, for reading while an image is being put together

	mu    sync.Mutex
	ready map[digest.Digest]*Rootfs // by target digest
}

// Open opens the store of cfg.Dir, making it if it does not exist.
func Open(ctx context.Context, cfg Config) (_ *Store, err error) {
	for _, d := range []string{"", "content", "layers", "tmp"} {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, d), 0o711); err != nil {
			return nil, fmt.Errorf("images: %w", err)
		}
	}
	_ = log.SetLevel("error") // of containerd's libraries, whose warnings say nothing to our users
	if err := mount.SetTempMountLocation(filepath.Join(cfg.Dir, "tmp")); err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	s := &Store{platform: platforms.DefaultSpec(), locate: cfg.Registry, proxy: http.ProxyFromEnvironment, ready: map[digest.Digest]*Rootfs{}}
	s.match = platforms.Only(s.platform)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("images: %w", err), s.Close())
		}
	}()
	blobs, err := local.NewStore(filepath.Join(cfg.Dir, "content"))
	if err != nil {
		return nil, err
	}
	if s.overlay, err = overlay.NewSnapshotter(filepath.Join(cfg.Dir, "layers")); err != nil {
		return nil, err
	}
	s.bolt, err = bolt.Open(filepath.Join(cfg.Dir, "meta.db"), 0o600, &bolt.Options{Timeout: 5 * time.Second, NoStatistics: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w (does another process use this directory?)", cfg.Dir, err)
	}
	s.db = metadata.NewDB(s.bolt, blobs, map[string]snapshots.Snapshotter{snapshotter: s.overlay})
	if err = s.db.Init(ctx); err != nil {
		return nil, err
	}
	s.content = s.db.ContentStore()
	s.layers = s.db.Snapshotter(snapshotter)
	s.images = metadata.NewImageStore(s.db)
	s.applier = apply.NewFileSystemApplier(s.content)
	return s, nil
}

// Close closes the databases. Containers that stand on layers of the store go on.
func (s *Store) Close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.overlay != nil {
		errs = append(errs, s.overlay.Close())
	}
	if s.bolt != nil {
		errs = append(errs, s.bolt.Close())
	}
	return errors.Join(errs...)
}

// scope is what containerd's stores want to find in a context.
func scope(ctx context.Context) context.Context { return namespaces.WithNamespace(ctx, "neargate") }
