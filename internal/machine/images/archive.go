package images

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	ctrimages "github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Import loads the images of a tar made by `docker save` or in OCI layout. With a name, the archive must hold one image, which
// gets that name; without, images keep the names they have in the archive. It returns the full names.
func (s *Store) Import(ctx context.Context, tar io.Reader, name string) ([]string, error) {
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	ctx = scope(ctx)
	index, err := archive.ImportIndex(ctx, s.content, tar)
	if err != nil {
		return nil, fmt.Errorf("image archive: %w", err)
	}
	tops, err := s.tops(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("image archive: %w", err)
	}
	named, err := nameTops(tops, name)
	if err != nil {
		return nil, fmt.Errorf("image archive: %w", err)
	}
	// One manifest of each index: an index of indexes of … that each name another one twice would take for ever.
	children := ctrimages.SetChildrenMappedLabels(s.content, ctrimages.ChildrenHandler(s.content), nil)
	children = ctrimages.LimitManifests(ctrimages.FilterPlatforms(children, s.match), s.match, 1)
	var done []string
	for _, n := range named {
		if err := ctrimages.Walk(ctx, children, n.target); err != nil {
			return done, fmt.Errorf("image %s: %w", n.name, err)
		}
		if _, err := ctrimages.Manifest(ctx, s.content, n.target, s.match); errdefs.IsNotFound(err) {
			return done, fmt.Errorf("image %s: nothing in the archive is for platform %s/%s", n.name, s.platform.OS, s.platform.Architecture)
		}
		img, err := s.name(ctx, n.name, n.target, map[string]string{loaded: "true"})
		if err != nil {
			return done, fmt.Errorf("image %s: %w", n.name, err)
		}
		if _, err := s.unpacked(ctx, img); err != nil {
			return done, err
		}
		done = append(done, n.name)
	}
	return done, nil
}

type namedTarget struct {
	name   string
	target ocispec.Descriptor
}

// tops reads the images that an archive's index names.
func (s *Store) tops(ctx context.Context, index ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	b, err := content.ReadBlob(ctx, s.content, index)
	if err != nil {
		return nil, err
	}
	var idx ocispec.Index
	if err := json.Unmarshal(b, &idx); err != nil {
		return nil, err
	}
	return idx.Manifests, nil
}

func nameTops(tops []ocispec.Descriptor, name string) ([]namedTarget, error) {
	var named []namedTarget
	for _, d := range tops {
		if d.Annotations[ctrimages.AnnotationManifestSubject] != "" {
			continue
		}
		own := cmp.Or(d.Annotations[ctrimages.AnnotationImageName], d.Annotations[ocispec.AnnotationRefName])
		if n := cmp.Or(name, own); n != "" {
			full, err := Normalize(n)
			if err != nil {
				return nil, err
			}
			named = append(named, namedTarget{full, d})
		}
	}
	if len(named) == 0 {
		return nil, errors.New("no image in it has a name: say which name it is to have")
	}
	if name != "" {
		for _, n := range named[1:] {
			if n.target.Digest != named[0].target.Digest {
				return nil, fmt.Errorf("it holds several images, which cannot all be called %s", name)
			}
		}
		named = named[:1]
	}
	return named, nil
}
