package state

import (
	"fmt"
	"iter"
	"strings"
)

// Get returns the row under key. It is shared: never change it.
func (t *Table[T]) Get(tx *Tx, key string) (*T, bool) {
	row, ok := tx.get(t.id, key)
	if !ok {
		return nil, false
	}
	return row.(*T), true
}

// Put inserts or replaces the row under its key. The row belongs to the table
// from here on.
func (t *Table[T]) Put(tx *Tx, row *T) {
	if row == nil {
		panic(fmt.Sprintf("state: nil row put into table %s", t.name))
	}
	key := t.key(row)
	if key == "" {
		panic(fmt.Sprintf("state: row without key put into table %s", t.name))
	}
	tx.put(t, key, row)
}

// Delete removes the row under key and says whether there was one.
func (t *Table[T]) Delete(tx *Tx, key string) bool {
	return tx.delete(t, key)
}

// All yields the rows whose keys start with prefix, in key order, as they are
// when the iteration starts: the loop may write to the table.
func (t *Table[T]) All(tx *Tx, prefix string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		it := tx.tree(t.id).rows.Root().Iterator()
		it.SeekPrefix([]byte(prefix))
		for _, row, ok := it.Next(); ok; _, row, ok = it.Next() {
			if !yield(row.(*T)) {
				return
			}
		}
	}
}

// Backward is All in descending key order.
func (t *Table[T]) Backward(tx *Tx, prefix string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		it := tx.tree(t.id).rows.Root().ReverseIterator()
		it.SeekPrefix([]byte(prefix))
		for _, row, ok := it.Previous(); ok; _, row, ok = it.Previous() {
			if !yield(row.(*T)) {
				return
			}
		}
	}
}

// From yields the rows whose keys are not less than key, in key order.
func (t *Table[T]) From(tx *Tx, key string) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		it := tx.tree(t.id).rows.Root().Iterator()
		it.SeekLowerBound([]byte(key))
		for _, row, ok := it.Next(); ok; _, row, ok = it.Next() {
			if !yield(row.(*T)) {
				return
			}
		}
	}
}

// By yields the rows that the index lists under value, in key order, as they
// are when the iteration starts. An unknown index panics.
func (t *Table[T]) By(tx *Tx, index, value string) iter.Seq[*T] {
	n := t.indexNumber(index)
	return func(yield func(*T) bool) {
		tree := tx.tree(t.id)
		it := tree.indexes[n].Root().Iterator()
		it.SeekPrefix(indexPrefix(value))
		for _, key, ok := it.Next(); ok; _, key, ok = it.Next() {
			row, _ := tree.rows.Get([]byte(key))
			if !yield(row.(*T)) {
				return
			}
		}
	}
}

// Len is the number of rows.
func (t *Table[T]) Len(tx *Tx) int {
	return tx.tree(t.id).rows.Len()
}

func (t *Table[T]) indexNumber(name string) int {
	for i, n := range t.indexes {
		if n == name {
			return i
		}
	}
	panic(fmt.Sprintf("state: table %s has no index %s", t.name, name))
}

// indexPrefix is the part of an index key before the row's key: the value with
// NUL bytes escaped, and a terminator that no escaped value contains, so that
// one value's entries are never another's prefix.
func indexPrefix(value string) []byte {
	if strings.IndexByte(value, 0) >= 0 {
		value = strings.ReplaceAll(value, "\x00", "\x00\xff")
	}
	b := make([]byte, 0, len(value)+2)
	return append(append(b, value...), 0, 1)
}

func indexKey(value, key string) []byte {
	return append(indexPrefix(value), key...)
}
