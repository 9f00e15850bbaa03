package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/wildcard"
)

// Classes of errors, which each front names in its own way.
var (
	ErrRepository    = errors.New("repository does not exist")
	ErrImage         = errors.New("image does not exist")
	ErrLayer         = errors.New("layer does not exist")
	ErrManifest      = errors.New("invalid manifest")
	ErrTagImmutable  = errors.New("tag is immutable")
	ErrTagUnchanged  = errors.New("image with this tag exists already")
	ErrInUse         = errors.New("image is part of a manifest list")
	ErrNotEmpty      = errors.New("repository is not empty")
	ErrMissingLayers = errors.New("layers do not exist")
)

// Registry is the registry.
type Registry struct {
	store  *state.Store
	tables *Tables
	blobs  *blobs
	now    func() time.Time

	// held for reading while a blob gets the row that keeps it, for writing while blobs without one are removed
	keeping sync.RWMutex
}

// Open opens the registry whose blobs are in dir. Blobs that no repository has are removed: a process that is killed between a blob's
// row and its file leaves such.
func Open(store *state.Store, tables *Tables, dir string) (*Registry, error) {
	b, err := openBlobs(dir)
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", dir, err)
	}
	r := &Registry{store: store, tables: tables, blobs: b, now: time.Now}
	all, err := b.all()
	if err == nil {
		err = r.dropBlobs(all)
	}
	if err != nil {
		return nil, fmt.Errorf("registry %s: %w", dir, err)
	}
	return r, nil
}

// Clear removes every blob. The store's rows are the caller's to delete.
func (r *Registry) Clear() error { return r.blobs.clear() }

// Repository finds a repository.
func (r *Registry) Repository(tx *state.Tx, key string) (*Repository, error) {
	repo, ok := r.tables.Repositories.Get(tx, key)
	if !ok {
		return nil, ErrRepository
	}
	return repo, nil
}

// DeleteRepository deletes a repository; one with images only by force.
func (r *Registry) DeleteRepository(ctx context.Context, key string, force bool) (gone *Repository, err error) {
	var orphans []string
	err = r.store.Update(ctx, func(tx *state.Tx) error {
		if gone, err = r.Repository(tx, key); err != nil {
			return err
		}
		for img := range r.tables.Images.By(tx, byRepository, key) {
			if !force {
				return ErrNotEmpty
			}
			r.tables.Images.Delete(tx, at(key, img.Digest))
		}
		for t := range r.tables.Tags.By(tx, byRepository, key) {
			r.tables.Tags.Delete(tx, key+":"+t.Name)
		}
		for l := range r.tables.Layers.By(tx, byRepository, key) {
			r.tables.Layers.Delete(tx, at(key, l.Digest))
			orphans = append(orphans, l.Digest)
		}
		r.tables.Repositories.Delete(tx, key)
		return nil
	})
	if err == nil {
		err = r.dropBlobs(orphans)
	}
	return gone, err
}

// dropBlobs removes the files of blobs that no repository has any more.
func (r *Registry) dropBlobs(digests []string) (err error) {
	r.keeping.Lock()
	defer r.keeping.Unlock()
	tx := r.store.View()
	for _, d := range digests {
		used := false
		for range r.tables.Layers.By(tx, byDigest, d) {
			used = true
		}
		if used {
			continue
		}
		if e := r.blobs.remove(d); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Image finds an image by tag or digest.
func (r *Registry) Image(tx *state.Tx, repository, reference string) (*Image, error) {
	if !strings.Contains(reference, ":") {
		t, ok := r.tables.Tags.Get(tx, repository+":"+reference)
		if !ok {
			return nil, ErrImage
		}
		reference = t.Digest
	}
	img, ok := r.tables.Images.Get(tx, at(repository, reference))
	if !ok {
		return nil, ErrImage
	}
	return img, nil
}

// Images are a repository's images.
func (r *Registry) Images(tx *state.Tx, repository string) (out []*Image) {
	for i := range r.tables.Images.By(tx, byRepository, repository) {
		out = append(out, i)
	}
	return out
}

// TagsOf are the names of an image in its repository, in order.
func (r *Registry) TagsOf(tx *state.Tx, img *Image) (out []string) {
	for t := range r.tables.Tags.By(tx, byDigest, at(img.Repository, img.Digest)) {
		out = append(out, t.Name)
	}
	return out
}

// TagNames are all tags of a repository, in order.
func (r *Registry) TagNames(tx *state.Tx, repository string) (out []string) {
	for t := range r.tables.Tags.By(tx, byRepository, repository) {
		out = append(out, t.Name)
	}
	return out
}

// PutImage stores a manifest under its digest and, if given, a tag. The
// repository must have everything the manifest names.
func (r *Registry) PutImage(ctx context.Context, repository, tag string, text []byte, mediaType string) (*Image, error) {
	img, err := readManifest(text, mediaType)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	img.Repository, img.Pushed = repository, r.now().UTC()
	err = r.store.Update(ctx, func(tx *state.Tx) error {
		repo, err := r.Repository(tx, repository)
		if err != nil {
			return err
		}
		if err := r.complete(tx, img); err != nil {
			return err
		}
		if tag != "" {
			have, ok := r.tables.Tags.Get(tx, repository+":"+tag)
			switch {
			case ok && have.Digest == img.Digest:
				return ErrTagUnchanged
			case ok && repo.fixed(tag):
				return ErrTagImmutable
			}
			r.tables.Tags.Put(tx, &Tag{Repository: repository, Name: tag, Digest: img.Digest})
		}
		have, ok := r.tables.Images.Get(tx, at(repository, img.Digest))
		switch {
		case ok && tag == "":
			return ErrTagUnchanged
		case ok:
			img = have
		default:
			r.tables.Images.Put(tx, img)
		}
		return nil
	})
	return img, err
}

// fixed says whether a tag can't be moved.
func (repo *Repository) fixed(tag string) bool {
	for _, filter := range repo.Exclusions {
		if wildcard.Stars(filter, tag) {
			return !repo.Immutable
		}
	}
	return repo.Immutable
}

func (r *Registry) complete(tx *state.Tx, img *Image) error {
	var missing []string
	for _, b := range img.Blobs {
		if _, ok := r.tables.Layers.Get(tx, at(img.Repository, b)); !ok {
			missing = append(missing, b)
		}
	}
	for _, c := range img.Children {
		if _, ok := r.tables.Images.Get(tx, at(img.Repository, c)); !ok {
			missing = append(missing, c)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s", ErrMissingLayers, strings.Join(missing, ", "))
	}
	return nil
}

// DeleteTag removes a tag, and the image when that was its last one, as ECR's BatchDeleteImage does.
func (r *Registry) DeleteTag(ctx context.Context, repository, tag string) (*Image, error) {
	var img *Image
	err := r.store.Update(ctx, func(tx *state.Tx) (err error) {
		if img, err = r.Image(tx, repository, tag); err != nil {
			return err
		}
		r.tables.Tags.Delete(tx, repository+":"+tag)
		if len(r.TagsOf(tx, img)) > 0 {
			return nil
		}
		if err := r.unreferenced(tx, img); err != nil {
			return nil // it stays, untagged
		}
		r.tables.Images.Delete(tx, at(repository, img.Digest))
		return nil
	})
	return img, errors.Join(err, r.collect(ctx, img))
}

// DeleteImage removes an image and its tags.
func (r *Registry) DeleteImage(ctx context.Context, repository, digest string) (tags []string, err error) {
	var img *Image
	err = r.store.Update(ctx, func(tx *state.Tx) (err error) {
		if img, err = r.Image(tx, repository, digest); err != nil {
			return err
		}
		if err := r.unreferenced(tx, img); err != nil {
			return err
		}
		tags = r.TagsOf(tx, img)
		for _, t := range tags {
			r.tables.Tags.Delete(tx, repository+":"+t)
		}
		r.tables.Images.Delete(tx, at(repository, digest))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tags, r.collect(ctx, img)
}

func (r *Registry) unreferenced(tx *state.Tx, img *Image) error {
	for i := range r.tables.Images.By(tx, byRepository, img.Repository) {
		for _, c := range i.Children {
			if c == img.Digest {
				return ErrInUse
			}
		}
	}
	return nil
}

// collect gives back the layers of an image that is gone, unless another one of the repository has them.
func (r *Registry) collect(ctx context.Context, img *Image) error {
	if img == nil {
		return nil
	}
	var orphans []string
	err := r.store.Update(ctx, func(tx *state.Tx) error {
		if _, ok := r.tables.Images.Get(tx, at(img.Repository, img.Digest)); ok {
			return nil
		}
		for _, b := range img.Blobs {
			used := false
			for range r.tables.Images.By(tx, byBlob, at(img.Repository, b)) {
				used = true
			}
			if !used && r.tables.Layers.Delete(tx, at(img.Repository, b)) {
				orphans = append(orphans, b)
			}
		}
		return nil
	})
	return errors.Join(err, r.dropBlobs(orphans))
}

// Layer finds a blob of a repository.
func (r *Registry) Layer(tx *state.Tx, repository, digest string) (*Layer, error) {
	l, ok := r.tables.Layers.Get(tx, at(repository, digest))
	if !ok {
		return nil, ErrLayer
	}
	return l, nil
}

// OpenLayer opens a blob for reading.
func (r *Registry) OpenLayer(repository, digest string) (*os.File, error) {
	if _, err := r.Layer(r.store.View(), repository, digest); err != nil {
		return nil, err
	}
	f, err := r.blobs.open(digest)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrLayer
	}
	return f, err
}

// StartUpload begins the upload of a blob and returns its id.
func (r *Registry) StartUpload(repository string) (string, error) {
	if _, err := r.Repository(r.store.View(), repository); err != nil {
		return "", err
	}
	return r.blobs.start(repository, r.now())
}

// Received is how many bytes of an upload have arrived.
func (r *Registry) Received(repository, upload string) (int64, error) {
	return r.blobs.received(repository, upload)
}

// Upload appends to an upload and returns its size; first is where the content starts, -1 where it is not said.
func (r *Registry) Upload(repository, upload string, first int64, content io.Reader) (int64, error) {
	return r.blobs.add(repository, upload, first, content, r.now())
}

// CancelUpload drops an upload.
func (r *Registry) CancelUpload(repository, upload string) error {
	if _, err := r.blobs.received(repository, upload); err != nil {
		return err
	}
	r.blobs.cancel(upload)
	return nil
}

// FinishUpload checks an upload's digest and makes it a layer of the repository.
func (r *Registry) FinishUpload(ctx context.Context, repository, upload, digest string) error {
	stored, err := r.finishUpload(ctx, repository, upload, digest)
	if err != nil && stored {
		err = errors.Join(err, r.dropBlobs([]string{digest})) // the repository has gone meanwhile
	}
	return err
}

func (r *Registry) finishUpload(ctx context.Context, repository, upload, digest string) (stored bool, err error) {
	r.keeping.RLock()
	defer r.keeping.RUnlock()
	size, err := r.blobs.finish(repository, upload, digest)
	if err != nil {
		return false, err
	}
	return true, r.store.Update(ctx, func(tx *state.Tx) error { return r.putLayer(tx, repository, digest, size) })
}

func (r *Registry) putLayer(tx *state.Tx, repository, digest string, size int64) error {
	if _, err := r.Repository(tx, repository); err != nil {
		return err
	}
	r.tables.Layers.Put(tx, &Layer{Repository: repository, Digest: digest, Size: size, Uploaded: r.now().UTC()})
	return nil
}

// Mount gives a repository a layer that another one of the same account has.
func (r *Registry) Mount(ctx context.Context, from, repository, digest string) error {
	if accountOf(from) != accountOf(repository) {
		return ErrLayer
	}
	r.keeping.RLock()
	defer r.keeping.RUnlock()
	return r.store.Update(ctx, func(tx *state.Tx) error {
		l, err := r.Layer(tx, from, digest)
		if err != nil {
			return err
		}
		return r.putLayer(tx, repository, digest, l.Size)
	})
}

// accountOf is the account in a repository's key.
func accountOf(repository string) string {
	account, _, _ := strings.Cut(repository, "/")
	return account
}
