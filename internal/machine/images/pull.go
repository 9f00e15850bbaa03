package images

import (
	"context"
	"fmt"
	"time"

	ctrimages "github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/semaphore"
)

// Pull is one image wanted.
type Pull struct {
	Ref                string
	Username, Password string
	// NetNS is the path of the network namespace to travel through; empty: the host's. Registries of this machine are reached from
	// the host all the same, and so is everything where the host itself needs a proxy.
	NetNS string
}

// Pull makes the image present and unpacked. Images that were loaded are taken as they are; any other name is asked at its
// registry every time, because a tag may have moved. Equal pulls under way are one. Errors are *Failure.
func (s *Store) Pull(ctx context.Context, p Pull) (*Rootfs, error) {
	full, err := Normalize(p.Ref)
	if err != nil {
		return nil, &Failure{Ref: p.Ref, Reason: fmt.Sprintf("invalid reference format: %s", p.Ref), Err: err}
	}
	if img, err := s.images.Get(scope(ctx), full); err == nil && img.Labels[loaded] != "" {
		return s.unpackLoaded(ctx, img)
	}
	key := fmt.Sprintf("pull %q %q %q %q", full, p.Username, p.Password, p.NetNS)
	for {
		ch := s.pulls.DoChan(key, func() (any, error) { return s.pull(ctx, full, p) })
		select {
		case <-ctx.Done():
			return nil, failure(full, p.Ref, ctx.Err())
		case r := <-ch:
			if r.Err != nil && r.Shared && ctx.Err() == nil && isCancelled(r.Err) {
				continue // whoever led the pull gave up; we have not
			}
			if r.Err != nil {
				return nil, r.Err
			}
			return r.Val.(*Rootfs), nil
		}
	}
}

func (s *Store) unpackLoaded(ctx context.Context, img ctrimages.Image) (*Rootfs, error) {
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	r, err := s.unpacked(scope(ctx), img)
	if err != nil {
		return nil, failure(img.Name, img.Name, err)
	}
	return r, nil
}

func (s *Store) pull(ctx context.Context, full string, p Pull) (*Rootfs, error) {
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	ctx = scope(ctx)
	resolver := s.resolver(p)
	name, target, err := resolver.Resolve(ctx, full)
	if err != nil {
		return nil, unresolved(full, p.Ref, err)
	}
	if r := s.cached(target.Digest); r != nil && s.points(ctx, full, target) {
		return r, s.touch(ctx, full, target)
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return nil, failure(full, p.Ref, err)
	}
	children := ctrimages.SetChildrenMappedLabels(s.content, ctrimages.ChildrenHandler(s.content), nil)
	children = ctrimages.LimitManifests(ctrimages.FilterPlatforms(children, s.match), s.match, 1)
	handler := ctrimages.Handlers(remotes.FetchHandler(s.content, fetcher), children)
	if err := ctrimages.Dispatch(ctx, handler, semaphore.NewWeighted(4), target); err != nil {
		if errdefs.IsNotFound(err) && s.lacksPlatform(ctx, target) {
			return nil, s.wrongPlatform(p.Ref, err)
		}
		return nil, failure(full, p.Ref, err)
	}
	if _, err := ctrimages.Manifest(ctx, s.content, target, s.match); errdefs.IsNotFound(err) {
		return nil, s.wrongPlatform(p.Ref, err)
	}
	img, err := s.name(ctx, full, target, map[string]string{used: time.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return nil, failure(full, p.Ref, err)
	}
	r, err := s.unpacked(ctx, img)
	if err != nil {
		return nil, failure(full, p.Ref, err)
	}
	return r, nil
}

// points tells whether name already means target.
func (s *Store) points(ctx context.Context, name string, target ocispec.Descriptor) bool {
	img, err := s.images.Get(ctx, name)
	return err == nil && img.Target.Digest == target.Digest
}

// touch notes that a name is in use, from time to time: every note is forced to the disk.
func (s *Store) touch(ctx context.Context, name string, target ocispec.Descriptor) error {
	img, err := s.images.Get(ctx, name)
	if err == nil && time.Since(usedAt(img)) > time.Hour {
		_, err = s.name(ctx, name, target, map[string]string{used: time.Now().UTC().Format(time.RFC3339)})
	}
	return err
}

func usedAt(img ctrimages.Image) time.Time {
	if at, err := time.Parse(time.RFC3339, img.Labels[used]); err == nil {
		return at
	}
	return img.UpdatedAt
}

// lacksPlatform tells whether target is an index without a manifest for this machine.
func (s *Store) lacksPlatform(ctx context.Context, target ocispec.Descriptor) bool {
	if !ctrimages.IsIndexType(target.MediaType) {
		return false
	}
	all, err := ctrimages.Children(ctx, s.content, target)
	if err != nil {
		return false
	}
	for _, d := range all {
		if d.Platform == nil || s.match.Match(*d.Platform) {
			return false
		}
	}
	return true
}

// name makes name mean target from now on.
func (s *Store) name(ctx context.Context, name string, target ocispec.Descriptor, labels map[string]string) (ctrimages.Image, error) {
	img := ctrimages.Image{Name: name, Target: target, Labels: labels}
	made, err := s.images.Create(ctx, img)
	if errdefs.IsAlreadyExists(err) {
		made, err = s.images.Update(ctx, img, "target", "labels")
	}
	return made, err
}
