package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff"
	ctrimages "github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/rootfs"
	"github.com/containerd/errdefs"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type applier = diff.Applier

// ErrUnknown is an image that is not present.
var ErrUnknown = errors.New("no such image")

// Rootfs is an unpacked image.
type Rootfs struct {
	Digest string              // of what the name points at: a manifest or an index
	Lower  []string            // directories of the layers, uppermost first; shared and read-only
	Config ocispec.ImageConfig // entrypoint, environment, user …
}

// Rootfs returns the image that ref names here, unpacking it if that has not been done. The error is ErrUnknown if it is not present.
func (s *Store) Rootfs(ctx context.Context, ref string) (*Rootfs, error) {
	full, err := Normalize(ref)
	if err != nil {
		return nil, err
	}
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	img, err := s.images.Get(scope(ctx), full)
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("%s: %w", ref, ErrUnknown)
	} else if err != nil {
		return nil, fmt.Errorf("image %s: %w", ref, err)
	}
	return s.unpacked(scope(ctx), img)
}

func (s *Store) cached(d digest.Digest) *Rootfs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready[d]
}

func (s *Store) unpacked(ctx context.Context, img ctrimages.Image) (*Rootfs, error) {
	d := img.Target.Digest
	if r := s.cached(d); r != nil {
		return r, nil
	}
	r, err, _ := s.pulls.Do("unpack "+d.String(), func() (any, error) {
		r, err := s.unpack(context.WithoutCancel(ctx), img.Target)
		if err != nil {
			return nil, fmt.Errorf("image %s: unpack: %w", img.Name, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ready[d] = r
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return r.(*Rootfs), nil
}

func (s *Store) unpack(ctx context.Context, target ocispec.Descriptor) (*Rootfs, error) {
	manifest, err := ctrimages.Manifest(ctx, s.content, target, s.match)
	if err != nil {
		return nil, err
	}
	b, err := content.ReadBlob(ctx, s.content, manifest.Config)
	if err != nil {
		return nil, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(b, &config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return nil, fmt.Errorf("config names %d layers, manifest %d", len(config.RootFS.DiffIDs), len(manifest.Layers))
	}
	r := &Rootfs{Digest: target.Digest.String(), Config: config.Config}
	if len(manifest.Layers) == 0 {
		return r, nil
	}
	layers := make([]rootfs.Layer, len(manifest.Layers))
	for i, blob := range manifest.Layers {
		layers[i] = rootfs.Layer{Blob: blob, Diff: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: config.RootFS.DiffIDs[i]}}
	}
	chain := identity.ChainID(config.RootFS.DiffIDs).String()
	for i := range layers {
		if _, err := rootfs.ApplyLayerWithOpts(ctx, layers[i], config.RootFS.DiffIDs[:i:i], s.layers, s.applier, nil, nil); err != nil {
			return nil, err
		}
	}
	// The garbage collector reaches the layers from the image's config.
	_, err = s.content.Update(ctx, content.Info{
		Digest: manifest.Config.Digest, Labels: map[string]string{"containerd.io/gc.ref.snapshot." + snapshotter: chain},
	}, "labels.containerd.io/gc.ref.snapshot."+snapshotter)
	if err != nil {
		return nil, err
	}
	if r.Lower, err = s.stack(ctx, chain); err != nil {
		return nil, err
	}
	return r, nil
}

// stack returns the directories of a chain of layers. They are learned from a read-only view, which also shields them from the
// garbage collector until Collect finds the image unused.
func (s *Store) stack(ctx context.Context, chain string) ([]string, error) {
	key := viewPrefix + chain
	mounts, err := s.layers.View(ctx, key, chain, snapshots.WithLabels(map[string]string{
		"containerd.io/gc.root": time.Now().UTC().Format(time.RFC3339),
	}))
	if errdefs.IsAlreadyExists(err) {
		mounts, err = s.layers.Mounts(ctx, key)
	}
	if err != nil {
		return nil, err
	}
	return lowerDirs(mounts)
}

const viewPrefix = "view-"

func lowerDirs(mounts []mount.Mount) ([]string, error) {
	if len(mounts) != 1 {
		return nil, fmt.Errorf("layers need %d mounts", len(mounts))
	}
	if m := mounts[0]; m.Type == "bind" {
		return []string{m.Source}, nil
	}
	for _, o := range mounts[0].Options {
		if dirs, ok := strings.CutPrefix(o, "lowerdir="); ok {
			return strings.Split(dirs, ":"), nil
		}
	}
	return nil, fmt.Errorf("layers cannot be stacked from mount type %s", mounts[0].Type)
}
