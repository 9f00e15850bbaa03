package state

import (
	"fmt"
	"slices"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// Tx is a transaction: the writable one of an Update, alive until its function
// returns, or a read-only snapshot from View, good for as long as it is held.
// A Tx is used by one goroutine at a time when writable; snapshots may be shared.
type Tx struct {
	root  *root
	store *Store     // nil when read-only
	open  []*writing // by table id, nil until the table is written
}

// root is one version of all tables.
type root struct {
	trees []tree
	view  *Tx
}

// tree is one version of one table. An index maps value+key to key, so rows
// that change without changing an indexed value leave the index alone.
type tree struct {
	rows    *iradix.Tree[any]
	indexes []*iradix.Tree[string]
}

// writing is a table under change.
type writing struct {
	table   table
	rows    *iradix.Txn[any]
	indexes []*iradix.Txn[string]
	touched []string
	seen    map[string]struct{}
}

func newRoot(trees []tree) *root {
	r := &root{trees: trees}
	r.view = &Tx{root: r}
	return r
}

func emptyRoot(s *Schema) *root {
	trees := make([]tree, len(s.tables))
	for i, t := range s.tables {
		trees[i] = emptyTree(t.meta())
	}
	return newRoot(trees)
}

func emptyTree(m *tableMeta) tree {
	t := tree{rows: iradix.New[any](), indexes: make([]*iradix.Tree[string], len(m.indexes))}
	for i := range t.indexes {
		t.indexes[i] = iradix.New[string]()
	}
	return t
}

func (tx *Tx) get(id int, key string) (any, bool) {
	if w := tx.opened(id); w != nil {
		return w.rows.Get([]byte(key))
	}
	return tx.root.trees[id].rows.Get([]byte(key))
}

// tree is the table as the transaction sees it now. Committing the pending
// nodes makes later writes copy instead of changing what an iterator walks.
func (tx *Tx) tree(id int) tree {
	w := tx.opened(id)
	if w == nil {
		return tx.root.trees[id]
	}
	return w.snapshot()
}

func (w *writing) snapshot() tree {
	t := tree{rows: w.rows.CommitOnly(), indexes: make([]*iradix.Tree[string], len(w.indexes))}
	for i, x := range w.indexes {
		t.indexes[i] = x.CommitOnly()
	}
	return t
}

func (tx *Tx) opened(id int) *writing {
	if tx.open == nil {
		return nil
	}
	return tx.open[id]
}

func (tx *Tx) write(t table) *writing {
	m := t.meta()
	if tx.store == nil {
		panic(fmt.Sprintf("state: write to table %s outside an Update", m.name))
	}
	if tx.open == nil {
		tx.open = make([]*writing, len(tx.root.trees))
	}
	w := tx.open[m.id]
	if w == nil {
		base := tx.root.trees[m.id]
		w = &writing{table: t, rows: base.rows.Txn(), indexes: make([]*iradix.Txn[string], len(base.indexes)), seen: map[string]struct{}{}}
		for i, x := range base.indexes {
			w.indexes[i] = x.Txn()
		}
		tx.open[m.id] = w
	}
	return w
}

func (tx *Tx) put(t table, key string, row any) {
	w := tx.write(t)
	old, existed := w.rows.Insert([]byte(key), row)
	if !existed {
		old = nil
	}
	w.reindex(key, old, row)
	w.touch(key)
}

func (tx *Tx) delete(t table, key string) bool {
	w := tx.write(t)
	old, existed := w.rows.Delete([]byte(key))
	if !existed {
		return false
	}
	w.reindex(key, old, nil)
	w.touch(key)
	return true
}

func (w *writing) touch(key string) {
	if _, ok := w.seen[key]; ok {
		return
	}
	w.seen[key] = struct{}{}
	w.touched = append(w.touched, key)
}

// reindex moves key from the index entries of old to those of row; either may
// be nil.
func (w *writing) reindex(key string, old, row any) {
	for i, x := range w.indexes {
		var before, after []string
		if old != nil {
			before = w.table.indexed(old, i)
		}
		if row != nil {
			after = w.table.indexed(row, i)
		}
		for _, v := range before {
			if !slices.Contains(after, v) {
				x.Delete(indexKey(v, key))
			}
		}
		for _, v := range after {
			if !slices.Contains(before, v) {
				x.Insert(indexKey(v, key), key)
			}
		}
	}
}

// result closes a writable transaction: the new root, what to journal and what
// to tell the watches. Nothing changed: a nil root.
func (tx *Tx) result() (next *root, records []Record, changes []Change, err error) {
	tx.store = nil
	for id, w := range tx.open {
		if w == nil {
			continue
		}
		base := tx.root.trees[id].rows
		m := w.table.meta()
		for _, key := range w.touched {
			row, exists := w.rows.Get([]byte(key))
			old, existed := base.Get([]byte(key))
			if exists == existed && row == old {
				continue
			}
			changes = append(changes, Change{Table: m.name, Key: key})
			if m.volatile {
				continue
			}
			rec := Record{Table: m.name, Key: key}
			if exists {
				if rec.Value, err = w.table.encode(row); err != nil {
					return nil, nil, nil, fmt.Errorf("table %s: row %q: encode: %w", m.name, key, err)
				}
			}
			records = append(records, rec)
		}
	}
	if len(changes) == 0 {
		return nil, nil, nil, nil
	}
	trees := append([]tree(nil), tx.root.trees...)
	for id, w := range tx.open {
		if w != nil {
			trees[id] = w.snapshot()
		}
	}
	return newRoot(trees), records, changes, nil
}
