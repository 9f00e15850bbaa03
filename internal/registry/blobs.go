package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/google/uuid"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ValidDigest says whether text is a sha256 digest.
func ValidDigest(text string) bool { return digestForm.MatchString(text) }

// DigestOf is the digest of a text.
func DigestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Errors of uploads.
var (
	ErrUploadUnknown = errors.New("upload unknown")
	ErrUploadRange   = errors.New("upload range does not follow what was received")
	ErrDigest        = errors.New("digest does not match the content")
	ErrTooLarge      = errors.New("blob is larger than the limit")
)

// Bounds of uploads. MaxBlob is ECR's largest layer.
const (
	MaxBlob    = 52 << 30
	uploadIdle = time.Hour // an upload nobody continues is dropped
)

// blobs keeps blobs as files named by their digest, and uploads under way.
type blobs struct {
	dir string

	mu      sync.Mutex
	uploads map[string]*upload
}

// upload is one blob on its way in.
type upload struct {
	mu         sync.Mutex
	repository string
	path       string
	file       *os.File // open while a part arrives: clients may leave thousands of uploads lying
	sum        hash.Hash
	size       int64
	touched    time.Time
	done       bool
}

func openBlobs(dir string) (*blobs, error) {
	for _, d := range []string{filepath.Join(dir, "sha256"), filepath.Join(dir, "uploads")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	// Uploads do not survive a restart: their clients start over.
	left, err := filepath.Glob(filepath.Join(dir, "uploads", "*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return &blobs{dir: dir, uploads: map[string]*upload{}}, err
}

func (b *blobs) path(digest string) string {
	return filepath.Join(b.dir, "sha256", digest[len("sha256:"):])
}

// all are the digests of the blobs there are.
func (b *blobs) all() (digests []string, err error) {
	entries, err := os.ReadDir(filepath.Join(b.dir, "sha256"))
	for _, e := range entries {
		digests = append(digests, "sha256:"+e.Name())
	}
	return digests, err
}

func (b *blobs) size(digest string) (int64, error) {
	fi, err := os.Stat(b.path(digest))
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func (b *blobs) open(digest string) (*os.File, error) { return os.Open(b.path(digest)) }

func (b *blobs) remove(digest string) error { return os.Remove(b.path(digest)) }

func (b *blobs) start(repository string, now time.Time) (string, error) {
	b.dropIdle(now)
	id := uuid.NewString()
	path := filepath.Join(b.dir, "uploads", id)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uploads[id] = &upload{repository: repository, path: path, sum: sha256.New(), touched: now}
	return id, f.Close()
}

func (b *blobs) dropIdle(now time.Time) {
	b.mu.Lock()
	var idle []string
	for id, u := range b.uploads {
		if u.mu.TryLock() {
			if now.Sub(u.touched) > uploadIdle {
				idle = append(idle, id)
			}
			u.mu.Unlock()
		}
	}
	b.mu.Unlock()
	for _, id := range idle {
		b.cancel(id)
	}
}

// get returns an upload of the repository, locked: one request at a time.
func (b *blobs) get(repository, id string) (*upload, error) {
	b.mu.Lock()
	u, ok := b.uploads[id]
	b.mu.Unlock()
	if !ok || u.repository != repository {
		return nil, ErrUploadUnknown
	}
	u.mu.Lock()
	if u.done {
		u.mu.Unlock()
		return nil, ErrUploadUnknown
	}
	return u, nil
}

// received is how many bytes have arrived.
func (b *blobs) received(repository, id string) (int64, error) {
	u, err := b.get(repository, id)
	if err != nil {
		return 0, err
	}
	defer u.mu.Unlock()
	return u.size, nil
}

// add appends to an upload and returns its size. first is where the content
// claims to start, -1 for "where the last one ended".
func (b *blobs) add(repository, id string, first int64, content io.Reader, now time.Time) (int64, error) {
	u, err := b.get(repository, id)
	if err != nil {
		return 0, err
	}
	defer u.mu.Unlock()
	if first >= 0 && first != u.size {
		return u.size, ErrUploadRange
	}
	if u.file, err = os.OpenFile(u.path, os.O_WRONLY, 0); err != nil {
		return u.size, err
	}
	_, err = io.Copy(u, io.LimitReader(content, MaxBlob-u.size+1))
	err = errors.Join(err, u.file.Close())
	u.touched = now
	if u.size > MaxBlob {
		return u.size, ErrTooLarge
	}
	return u.size, err
}

// Write appends what fits on the disk, and counts no more than that: an upload can go on after a part that failed half way.
func (u *upload) Write(p []byte) (int, error) {
	n, err := u.file.WriteAt(p, u.size)
	u.sum.Write(p[:n])
	u.size += int64(n)
	return n, err
}

// finish checks the digest and keeps the blob. It is on the disk when this returns.
func (b *blobs) finish(repository, id, digest string) (int64, error) {
	u, err := b.get(repository, id)
	if err != nil {
		return 0, err
	}
	defer u.mu.Unlock()
	if got := "sha256:" + hex.EncodeToString(u.sum.Sum(nil)); got != digest {
		return 0, fmt.Errorf("%w: %s", ErrDigest, got)
	}
	if err := flush(u.path); err != nil {
		return 0, err
	}
	if err := os.Rename(u.path, b.path(digest)); err != nil {
		return 0, err
	}
	u.done = true
	b.forget(id)
	return u.size, flush(filepath.Dir(b.path(digest)))
}

// flush waits until a file's content, or a directory's names, are on the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (b *blobs) cancel(id string) {
	b.mu.Lock()
	u, ok := b.uploads[id]
	b.mu.Unlock()
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.done {
		u.done = true
		os.Remove(u.path)
	}
	b.forget(id)
}

func (b *blobs) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.uploads, id)
}

func (b *blobs) clear() error {
	b.mu.Lock()
	ids := make([]string, 0, len(b.uploads))
	for id := range b.uploads {
		ids = append(ids, id)
	}
	b.mu.Unlock()
	for _, id := range ids {
		b.cancel(id)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "sha256", "*"))
	for _, path := range files {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
