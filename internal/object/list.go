package object

import (
	"context"
	"strings"

	"zombiezen.com/go/sqlite"
)

// ListQuery asks for a stretch of a bucket's keys, in the order of their octets.
type ListQuery struct {
	Prefix    string
	Delimiter string
	After     string // key or common prefix that the list goes on after
	Version   string // with After: go on after this version of it
	Limit     int
}

// Page is a stretch of a list. Objects and Prefixes are both in order; together they are no more than the limit.
type Page struct {
	Objects   []*Version
	Prefixes  []string
	Truncated bool
	Next      string // for After
	NextID    string // for Version
}

func (p *Page) count() int { return len(p.Objects) + len(p.Prefixes) }

// fetch is how many rows a query reads at a time.
const fetch = 1000

// List lists current objects.
func (e *Engine) List(ctx context.Context, b *Bucket, q ListQuery) (*Page, error) {
	return list(q, place{key: q.After, after: true}, func(at place, end string, limit int) ([]*Version, error) {
		return e.current(ctx, b, at, end, limit)
	})
}

// ListVersions lists all versions, the newest of each key first.
func (e *Engine) ListVersions(ctx context.Context, b *Bucket, q ListQuery) (*Page, error) {
	at := place{key: q.After, after: true, whole: true}
	if q.Version != "" {
		seq, err := e.seqOf(ctx, b, q.After, q.Version)
		if err != nil {
			return nil, err
		}
		at.whole, at.seq = false, seq
	}
	return list(q, at, func(at place, end string, limit int) ([]*Version, error) { return e.versions(ctx, b, at, end, limit) })
}

// list walks versions from a place on, and jumps over what common prefixes stand for. read returns those before end, if there is one.
func list(q ListQuery, at place, read func(at place, end string, limit int) ([]*Version, error)) (*Page, error) {
	p := &Page{}
	end := successor(q.Prefix)
	if q.Prefix > q.After {
		at = place{key: q.Prefix}
	}
	if skip := q.common(q.After); skip != "" && skip == q.After && q.Version == "" {
		if at = (place{key: successor(skip)}); at.key == "" {
			return p, nil
		}
	}
	for {
		rows, err := read(at, end, min(q.Limit-p.count()+1, fetch))
		if err != nil || len(rows) == 0 {
			return p, err
		}
		jumped := false
		for _, v := range rows {
			if p.count() == q.Limit {
				p.Truncated = true
				return p, nil
			}
			prefix := q.common(v.Key)
			if prefix == "" {
				p.Objects = append(p.Objects, v)
				p.Next, p.NextID = v.Key, v.ID
				at = place{key: v.Key, seq: v.seq, after: true}
				continue
			}
			p.Prefixes = append(p.Prefixes, prefix)
			p.Next, p.NextID = prefix, ""
			if at = (place{key: successor(prefix)}); at.key == "" {
				return p, nil
			}
			jumped = true
			break
		}
		if !jumped && len(rows) < fetch && p.count() < q.Limit {
			return p, nil
		}
	}
}

// common is the common prefix that a key is listed under; empty if it is listed itself.
func (q *ListQuery) common(key string) string {
	rest, ok := strings.CutPrefix(key, q.Prefix)
	if q.Delimiter == "" || !ok {
		return ""
	}
	i := strings.Index(rest, q.Delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(q.Prefix)+i+len(q.Delimiter)]
}

// successor is the first string after all that begin with prefix; empty if there is none.
func successor(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}

// place is where a list goes on: at a key, or after it, or after one of its versions.
type place struct {
	key   string
	seq   int64
	after bool
	whole bool // after all of the key's versions
}

// current reads current objects; each is its key's only one.
func (e *Engine) current(ctx context.Context, b *Bucket, at place, end string, limit int) ([]*Version, error) {
	compare := ">="
	if at.after {
		compare = ">"
	}
	query := "SELECT " + versionColumns + " FROM version WHERE bucket = ? AND current = 1 AND marker = 0 AND key " + compare + " ?"
	args := []any{b.ID, []byte(at.key)}
	return e.walk(ctx, query, "key", args, end, limit)
}

func (e *Engine) versions(ctx context.Context, b *Bucket, at place, end string, limit int) ([]*Version, error) {
	query, args := "SELECT "+versionColumns+" FROM version WHERE bucket = ? AND ", []any{b.ID, []byte(at.key)}
	switch {
	case !at.after:
		query += "key >= ?"
	case at.whole:
		query += "key > ?"
	default:
		query, args = query+"(key, seq) > (?, ?)", append(args, at.seq)
	}
	return e.walk(ctx, query, "key, seq", args, end, limit)
}

// walk reads the versions that a query and its arguments select, those of keys before end if there is one.
func (e *Engine) walk(ctx context.Context, query, order string, args []any, end string, limit int) (rows []*Version, err error) {
	if end != "" {
		query, args = query+" AND key < ?", append(args, []byte(end))
	}
	err = e.catalog.read(ctx, query+" ORDER BY "+order+" LIMIT ?", append(args, limit), func(s *sqlite.Stmt) error {
		v, err := scanVersion(s)
		rows = append(rows, v)
		return err
	})
	return rows, err
}

func (e *Engine) seqOf(ctx context.Context, b *Bucket, key, id string) (seq int64, err error) {
	v, err := e.Head(ctx, b, key, id)
	if err != nil {
		return 0, err
	}
	return v.seq, nil
}

// Uploads lists uploads under way by key and id.
func (e *Engine) Uploads(ctx context.Context, b *Bucket, q ListQuery) (uploads []*Upload, prefixes []string, truncated bool, err error) {
	query, args := "SELECT key, id, created, meta FROM upload WHERE bucket = ? AND key >= ?", []any{b.ID, []byte(q.Prefix)}
	if end := successor(q.Prefix); end != "" {
		query, args = query+" AND key < ?", append(args, []byte(end))
	}
	seen := map[string]bool{}
	err = e.catalog.read(ctx, query+" ORDER BY key, id", args, func(s *sqlite.Stmt) error {
		u, err := scanUpload(s)
		if err != nil {
			return err
		}
		prefix := q.common(u.Key)
		switch {
		case truncated, prefix != "" && (seen[prefix] || prefix == q.After), u.Key < q.After, u.Key == q.After && (q.Version == "" || u.ID <= q.Version):
		case len(uploads)+len(prefixes) == q.Limit:
			truncated = true
		case prefix != "":
			seen[prefix] = true
			prefixes = append(prefixes, prefix)
		default:
			uploads = append(uploads, u)
		}
		return nil
	})
	return uploads, prefixes, truncated, err
}
