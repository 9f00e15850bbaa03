package object

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/neargate/neargate/internal/aws/checksum"
)

// Limits of multipart uploads ("Amazon S3 multipart upload limits").
const (
	MaxParts = 10_000
	MinPart  = 5 << 20 // of all but the last one
)

// Upload is a multipart upload under way.
type Upload struct {
	Key     string
	ID      string
	Created time.Time
	Attributes
}

// Part is a part of an upload, or what is kept of it once the object is complete.
type Part struct {
	Number   int
	Size     int64
	ETag     string                        `json:",omitzero"`
	Modified time.Time                     `json:",omitzero"`
	Sums     map[checksum.Algorithm][]byte `json:",omitzero"`
	content  []blob
}

func appendContent(to *[]blob, text string) error {
	var c []blob
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	*to = append(*to, c...)
	return nil
}

// CreateUpload begins a multipart upload.
func (e *Engine) CreateUpload(b *Bucket, key string, a Attributes) (*Upload, error) {
	e.living.RLock()
	defer e.living.RUnlock()
	if _, err := e.alive(b); err != nil {
		return nil, err
	}
	u := &Upload{Key: key, ID: newVersionID() + newVersionID(), Created: e.now(), Attributes: a}
	return u, e.update(func(t *tx) error {
		return t.exec("INSERT INTO upload (bucket, key, id, created, meta) VALUES (?, ?, ?, ?, ?)", b.ID, []byte(key), u.ID, u.Created.Unix(), text(a))
	})
}

const uploadQuery = "SELECT key, id, created, meta FROM upload WHERE bucket = ? AND key = ? AND id = ?"

func scanUpload(s *sqlite.Stmt) (*Upload, error) {
	u := &Upload{Key: blobText(s, 0), ID: s.ColumnText(1), Created: time.Unix(s.ColumnInt64(2), 0).UTC()}
	if err := json.Unmarshal([]byte(s.ColumnText(3)), &u.Attributes); err != nil {
		return nil, fmt.Errorf("upload %s: %w", u.ID, err)
	}
	return u, nil
}

// Upload finds an upload.
func (e *Engine) Upload(ctx context.Context, b *Bucket, key, id string) (u *Upload, err error) {
	err = e.catalog.read(ctx, uploadQuery, []any{b.ID, []byte(key), id}, func(s *sqlite.Stmt) (err error) {
		u, err = scanUpload(s)
		return err
	})
	if err == nil && u == nil {
		err = ErrNoUpload
	}
	return u, err
}

func (t *tx) upload(b *Bucket, key, id string) (u *Upload, err error) {
	err = t.each(uploadQuery, []any{b.ID, []byte(key), id}, func(s *sqlite.Stmt) (err error) {
		u, err = scanUpload(s)
		return err
	})
	if err == nil && u == nil {
		err = ErrNoUpload
	}
	return u, err
}

// PutPart adds a part to an upload, or replaces it.
func (e *Engine) PutPart(b *Bucket, key, id string, number int, d *Draft) (*Part, error) {
	p := &Part{Number: number, Size: d.Size, ETag: hex.EncodeToString(d.MD5), Modified: e.now(), Sums: d.Sums, content: d.content}
	err := e.update(func(t *tx) error {
		if _, err := t.upload(b, key, id); err != nil {
			return err
		}
		old, err := t.parts("AND number = ?", id, number)
		if err != nil {
			return err
		}
		for _, o := range old {
			if err := t.discard(o.content); err != nil {
				return err
			}
		}
		if err := t.adopt(p.content); err != nil {
			return err
		}
		return t.exec("INSERT OR REPLACE INTO part (upload, number, size, etag, modified, sums, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
			id, number, p.Size, p.ETag, p.Modified.Unix(), text(p.Sums), text(p.content))
	})
	if err != nil {
		return nil, err
	}
	d.taken()
	return p, nil
}

const partQuery = "SELECT number, size, etag, modified, sums, content FROM part WHERE upload = ? "

func scanPart(s *sqlite.Stmt) (p Part, err error) {
	p = Part{Number: s.ColumnInt(0), Size: s.ColumnInt64(1), ETag: s.ColumnText(2), Modified: time.Unix(s.ColumnInt64(3), 0).UTC()}
	if err := json.Unmarshal([]byte(s.ColumnText(4)), &p.Sums); err != nil {
		return p, err
	}
	return p, appendContent(&p.content, s.ColumnText(5))
}

func (t *tx) parts(where string, args ...any) (parts []Part, err error) {
	err = t.each(partQuery+where+" ORDER BY number", args, func(s *sqlite.Stmt) error {
		p, err := scanPart(s)
		parts = append(parts, p)
		return err
	})
	return parts, err
}

// Parts are an upload's parts after a number, at most limit of them.
func (e *Engine) Parts(ctx context.Context, id string, after, limit int) (parts []Part, err error) {
	err = e.catalog.read(ctx, partQuery+"AND number > ? ORDER BY number LIMIT ?", []any{id, after, limit}, func(s *sqlite.Stmt) error {
		p, err := scanPart(s)
		parts = append(parts, p)
		return err
	})
	return parts, err
}

// Chosen is a part as the request that completes the upload names it.
type Chosen struct {
	Number int
	ETag   string
	Sums   map[checksum.Algorithm][]byte
}

// Complete makes an object of an upload's parts. Nothing is copied. check sees the object before anything is decided.
func (e *Engine) Complete(b *Bucket, key, id string, chosen []Chosen, c Condition, check func(*Version) error) (*Version, error) {
	v := &Version{Key: key, Modified: e.now()}
	err := e.put(b, v, c, func(t *tx) error {
		u, err := t.upload(b, key, id)
		if err != nil {
			return err
		}
		all, err := t.parts("", id)
		if err != nil {
			return err
		}
		v.Attributes = u.Attributes
		rest, err := v.assemble(all, chosen)
		if err != nil {
			return err
		}
		if err := check(v); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM part WHERE upload = ?", id); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM upload WHERE bucket = ? AND key = ? AND id = ?", b.ID, []byte(key), id); err != nil {
			return err
		}
		return t.discard(rest)
	}, nil)
	return v, err
}

// assemble makes v of the chosen ones among an upload's parts, and returns the content of the others.
func (v *Version) assemble(all []Part, chosen []Chosen) (rest []blob, err error) {
	byNumber := make(map[int]*Part, len(all))
	for i := range all {
		byNumber[all[i].Number] = &all[i]
	}
	tags := md5.New()
	last := 0
	for i, c := range chosen {
		if c.Number <= last {
			return nil, ErrPartOrder
		}
		last = c.Number
		p := byNumber[c.Number]
		if p == nil || p.ETag != c.ETag {
			return nil, fmt.Errorf("part %d: %w", c.Number, ErrPart)
		}
		for a, sum := range c.Sums {
			if !bytes.Equal(sum, p.Sums[a]) {
				return nil, fmt.Errorf("part %d: %w", c.Number, ErrPart)
			}
		}
		if p.Size < MinPart && i < len(chosen)-1 {
			return nil, fmt.Errorf("part %d: %w", c.Number, ErrPartSmall)
		}
		sum, err := hex.DecodeString(p.ETag)
		if err != nil {
			return nil, err
		}
		tags.Write(sum)
		v.Size += p.Size
		v.content = append(v.content, p.content...)
		v.Parts = append(v.Parts, Part{Number: p.Number, Size: p.Size, Sums: p.Sums})
		delete(byNumber, c.Number)
	}
	for _, p := range byNumber {
		rest = append(rest, p.content...)
	}
	v.ETag = fmt.Sprintf("%x-%d", tags.Sum(nil), len(chosen))
	v.sum()
	return rest, nil
}

// sum is the checksum of the whole: of all content where that follows from its parts', else of the parts' checksums.
func (v *Version) sum() {
	a := v.Checksum.Algorithm
	if a == "" {
		a, v.Checksum.Type = checksum.CRC64NVME, FullObject
	}
	v.Checksum.Algorithm = a
	composite := checksum.New(a)
	for i, p := range v.Parts {
		sum := p.Sums[a]
		if sum == nil {
			v.Checksum = Checksum{}
			return
		}
		switch {
		case v.Checksum.Type == Composite:
			composite.Write(sum)
		case i == 0:
			v.Checksum.Sum = sum
		default:
			v.Checksum.Sum = a.Combine(v.Checksum.Sum, sum, p.Size)
		}
	}
	if v.Checksum.Type == Composite {
		v.Checksum.Sum = composite.Sum(nil)
	}
}

// AbortUpload ends an upload and drops its parts.
func (e *Engine) AbortUpload(b *Bucket, key, id string) error {
	return e.update(func(t *tx) error {
		if _, err := t.upload(b, key, id); err != nil {
			return err
		}
		parts, err := t.parts("", id)
		if err != nil {
			return err
		}
		for _, p := range parts {
			if err := t.discard(p.content); err != nil {
				return err
			}
		}
		if err := t.exec("DELETE FROM part WHERE upload = ?", id); err != nil {
			return err
		}
		return t.exec("DELETE FROM upload WHERE bucket = ? AND key = ? AND id = ?", b.ID, []byte(key), id)
	})
}
