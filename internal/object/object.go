package object

import (
	"context"
	"encoding/hex"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/neargate/neargate/internal/state"
)

// Condition is what must hold of the current object for a write to happen. Entity tags are without quotes.
type Condition struct {
	Match     string // If-Match: an entity tag, or * for any object
	NoneMatch bool   // If-None-Match: *
}

// holds decides; ErrNoKey where there is nothing that could match.
func (c Condition) holds(v *Version) error {
	exists := v != nil && !v.Marker
	switch {
	case c.Match != "" && !exists:
		return ErrNoKey
	case c.Match != "" && c.Match != "*" && c.Match != v.ETag, c.NoneMatch && exists:
		return ErrCondition
	}
	return nil
}

// Bucket finds a bucket by name.
func (e *Engine) Bucket(tx *state.Tx, name string) (*Bucket, error) {
	b, ok := e.tables.Buckets.Get(tx, name)
	if !ok {
		return nil, ErrNoBucket
	}
	return b, nil
}

// alive is the bucket as it is now: settings may have changed, and it may be gone, since a request found it.
func (e *Engine) alive(b *Bucket) (*Bucket, error) {
	now, err := e.Bucket(e.store.View(), b.Name)
	if err == nil && now.ID != b.ID {
		err = ErrNoBucket
	}
	return now, err
}

func (e *Engine) now() time.Time { return e.clock.Now().UTC().Truncate(time.Second) }

// Put makes a draft an object, or a new version of one.
func (e *Engine) Put(b *Bucket, key string, d *Draft, a Attributes, c Condition) (*Version, error) {
	v := &Version{Key: key, Size: d.Size, ETag: hex.EncodeToString(d.MD5), Modified: e.now(), Attributes: a, content: d.content}
	return v, e.put(b, v, c, nil, d.taken)
}

// PutCopy is Put of a clone, whose entity tag is its original's.
func (e *Engine) PutCopy(b *Bucket, key, etag string, d *Draft, a Attributes, c Condition) (*Version, error) {
	v := &Version{Key: key, Size: d.Size, ETag: etag, Modified: e.now(), Attributes: a, content: d.content}
	return v, e.put(b, v, c, nil, d.taken)
}

// put commits v; also runs in the same transaction, taken after it where v's content is a draft.
func (e *Engine) put(b *Bucket, v *Version, c Condition, also func(*tx) error, taken func()) error {
	e.living.RLock()
	defer e.living.RUnlock()
	b, err := e.alive(b)
	if err != nil {
		return err
	}
	if err := e.update(func(t *tx) error {
		current, err := t.find(b.ID, v.Key, "")
		if err != nil {
			return err
		}
		if err := c.holds(current); err != nil {
			return err
		}
		if also != nil {
			if err := also(t); err != nil {
				return err
			}
		}
		if taken != nil {
			if err := t.adopt(v.content); err != nil {
				return err
			}
		}
		return t.supersede(b, v)
	}); err != nil {
		return err
	}
	if taken != nil {
		taken()
	}
	return nil
}

// supersede inserts v as the bucket's versioning asks for: beside older versions, or instead of the null version.
func (t *tx) supersede(b *Bucket, v *Version) error {
	if b.Versioning == VersioningEnabled {
		v.ID = newVersionID()
		return t.insert(b.ID, v)
	}
	v.ID = NullVersion
	old, err := t.find(b.ID, v.Key, NullVersion)
	if err != nil {
		return err
	}
	if old != nil {
		if err := t.remove(b.ID, old); err != nil {
			return err
		}
	}
	return t.insert(b.ID, v)
}

// Head finds an object, or one version of it. A Marker is returned as such; without an id, it means there is no object.
func (e *Engine) Head(ctx context.Context, b *Bucket, key, id string) (v *Version, err error) {
	query, args := findQuery(b.ID, key, id)
	err = e.catalog.read(ctx, query, args, func(s *sqlite.Stmt) (err error) {
		v, err = scanVersion(s)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case v == nil && id != "":
		return nil, ErrNoVersion
	case v == nil:
		return nil, ErrNoKey
	}
	return v, nil
}

// Get is Head, and the content. The content stays readable until it is closed, whatever becomes of the object.
func (e *Engine) Get(ctx context.Context, b *Bucket, key, id string) (*Version, *Content, error) {
	e.blobs.sweeping.RLock()
	defer e.blobs.sweeping.RUnlock()
	v, err := e.Head(ctx, b, key, id)
	if err != nil {
		return nil, nil, err
	}
	e.blobs.pin(v.content)
	return v, &Content{engine: e, pinned: v.content, blobs: v.content, left: v.Size}, nil
}

// Range narrows a content, of which nothing has been read yet, to length octets from start on.
func (c *Content) Range(start, length int64) { c.start, c.left = start, length }

// Deleted is what a deletion did.
type Deleted struct {
	ID     string // of the version that was deleted, or of the marker that was made; empty: neither
	Marker bool   // that one is a delete marker
}

// Delete deletes an object, or one version of it for good. Where the bucket has versions the former makes a delete marker.
// Deleting what is not there succeeds.
func (e *Engine) Delete(b *Bucket, key, id string, c Condition) (d Deleted, err error) {
	e.living.RLock()
	defer e.living.RUnlock()
	if b, err = e.alive(b); err != nil {
		return d, err
	}
	err = e.update(func(t *tx) error {
		v, err := t.find(b.ID, key, id)
		if err != nil {
			return err
		}
		if c.Match != "" {
			if err := c.holds(v); err != nil {
				return err
			}
		}
		if id != "" || b.Versioning == "" {
			if v == nil {
				return nil
			}
			if id != "" {
				d = Deleted{v.ID, v.Marker}
			}
			return t.remove(b.ID, v)
		}
		marker := &Version{Key: key, Marker: true, Modified: e.now()}
		if err := t.supersede(b, marker); err != nil {
			return err
		}
		d = Deleted{marker.ID, true}
		return nil
	})
	return d, err
}

// Change edits the attributes of a version in place.
func (e *Engine) Change(b *Bucket, key, id string, edit func(*Version) error) (v *Version, err error) {
	err = e.update(func(t *tx) error {
		if v, err = t.find(b.ID, key, id); err != nil {
			return err
		}
		switch {
		case v == nil && id != "":
			return ErrNoVersion
		case v == nil || v.Marker && id == "":
			return ErrNoKey
		}
		if err := edit(v); err != nil {
			return err
		}
		return t.exec("UPDATE version SET meta = ? WHERE bucket = ? AND key = ? AND seq = ?", text(v.Attributes), b.ID, []byte(key), v.seq)
	})
	return v, err
}

// DeleteBucket deletes an empty bucket. decide sees it first, and may refuse.
func (e *Engine) DeleteBucket(ctx context.Context, name string, decide func(*Bucket) error) error {
	e.living.Lock()
	defer e.living.Unlock()
	var id int64
	err := e.store.Update(ctx, func(tx *state.Tx) error {
		b, err := e.Bucket(tx, name)
		if err != nil {
			return err
		}
		if err := decide(b); err != nil {
			return err
		}
		empty := true
		if err := e.catalog.read(ctx, "SELECT 1 FROM version WHERE bucket = ? LIMIT 1", []any{b.ID}, func(*sqlite.Stmt) error {
			empty = false
			return nil
		}); err != nil {
			return err
		}
		if !empty {
			return ErrNotEmpty
		}
		id = b.ID
		e.tables.Buckets.Delete(tx, name)
		return nil
	})
	if err != nil {
		return err
	}
	return e.drop(id)
}

// drop removes what is left of a bucket that is gone: uploads nobody finished.
func (e *Engine) drop(id int64) error {
	return e.update(func(t *tx) error {
		var content []blob
		collect := func(s *sqlite.Stmt) error { return appendContent(&content, s.ColumnText(0)) }
		if err := t.each("SELECT content FROM part WHERE upload IN (SELECT id FROM upload WHERE bucket = ?)", []any{id}, collect); err != nil {
			return err
		}
		if err := t.each("SELECT content FROM version WHERE bucket = ?", []any{id}, collect); err != nil {
			return err
		}
		for _, q := range []string{
			"DELETE FROM part WHERE upload IN (SELECT id FROM upload WHERE bucket = ?)",
			"DELETE FROM upload WHERE bucket = ?",
			"DELETE FROM version WHERE bucket = ?",
		} {
			if err := t.exec(q, id); err != nil {
				return err
			}
		}
		return t.discard(content)
	})
}
