package images

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// Info is one name in the store.
type Info struct {
	Name    string
	Digest  string
	Loaded  bool      // from an archive; otherwise pulled
	Updated time.Time // when the name got this meaning
}

// List tells all names.
func (s *Store) List(ctx context.Context) ([]Info, error) {
	all, err := s.images.List(scope(ctx))
	if err != nil {
		return nil, fmt.Errorf("images: %w", err)
	}
	out := make([]Info, len(all))
	for i, img := range all {
		out[i] = Info{Name: img.Name, Digest: img.Target.Digest.String(), Loaded: img.Labels[loaded] != "", Updated: img.UpdatedAt}
	}
	return out, nil
}

// Tag gives a present image a further name, under which it counts as loaded.
func (s *Store) Tag(ctx context.Context, ref, name string) error {
	from, err := Normalize(ref)
	if err != nil {
		return err
	}
	to, err := Normalize(name)
	if err != nil {
		return err
	}
	img, err := s.images.Get(scope(ctx), from)
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("%s: %w", ref, ErrUnknown)
	} else if err != nil {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	if _, err := s.name(scope(ctx), to, img.Target, map[string]string{loaded: "true"}); err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	return nil
}

// Remove forgets a name. Its layers stay until Collect.
func (s *Store) Remove(ctx context.Context, ref string) error {
	full, err := Normalize(ref)
	if err != nil {
		return err
	}
	if err := s.images.Delete(scope(ctx), full); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("image %s: %w", ref, err)
	}
	return nil
}

// Collect forgets pulled images that nobody has asked for since unusedSince, and frees the disk space of what no name leads to any
// more; except for layers that containers stand on: inUse are their uppermost Lower directories.
func (s *Store) Collect(ctx context.Context, inUse map[string]bool, unusedSince time.Time) error {
	s.inUse.Lock()
	defer s.inUse.Unlock()
	ctx = scope(ctx)
	if err := s.forget(ctx, inUse, unusedSince); err != nil {
		return fmt.Errorf("images: collect: %w", err)
	}
	named := map[digest.Digest]bool{}
	all, err := s.images.List(ctx)
	if err != nil {
		return fmt.Errorf("images: collect: %w", err)
	}
	for _, img := range all {
		named[img.Target.Digest] = true
	}
	keep := map[string]bool{}
	s.mu.Lock()
	for d, r := range s.ready {
		if !named[d] {
			delete(s.ready, d)
		} else if len(r.Lower) > 0 {
			keep[r.Lower[0]] = true
		}
	}
	s.mu.Unlock()
	var views []string
	err = s.layers.Walk(ctx, func(ctx context.Context, info snapshots.Info) error {
		if info.Kind != snapshots.KindView {
			return nil
		}
		mounts, err := s.layers.Mounts(ctx, info.Name)
		if err != nil {
			return err
		}
		lower, err := lowerDirs(mounts)
		if err != nil {
			return err
		}
		if !keep[lower[0]] && !inUse[lower[0]] {
			views = append(views, info.Name)
		}
		return nil
	})
	for _, v := range views {
		err = errors.Join(err, s.layers.Remove(ctx, v))
	}
	if err != nil {
		return fmt.Errorf("images: collect: %w", err)
	}
	if _, err := s.db.GarbageCollect(ctx); err != nil {
		return fmt.Errorf("images: collect: %w", err)
	}
	return nil
}

// forget removes the names of pulled images that nobody has asked for lately.
func (s *Store) forget(ctx context.Context, inUse map[string]bool, unusedSince time.Time) error {
	all, err := s.images.List(ctx)
	if err != nil {
		return err
	}
	for _, img := range all {
		if img.Labels[loaded] != "" || usedAt(img).After(unusedSince) {
			continue
		}
		if r := s.cached(img.Target.Digest); r != nil && len(r.Lower) > 0 && inUse[r.Lower[0]] {
			continue
		}
		if err := s.images.Delete(ctx, img.Name); err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	return nil
}
