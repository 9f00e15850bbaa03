package state

import (
	"encoding/json"
	"fmt"
)

// Schema is the set of tables of one store. It is complete when Open is called.
type Schema struct {
	tables []table
	byName map[string]table
	sealed bool
}

// NewSchema returns a schema without tables.
func NewSchema() *Schema {
	return &Schema{byName: map[string]table{}}
}

// AnyTable names a table whatever its row type, for Watch.
type AnyTable interface {
	Name() string
	meta() *tableMeta
}

// table is what the store needs of a Table[T] without knowing T.
type table interface {
	AnyTable
	keyOf(row any) string
	indexed(row any, index int) []string
	encode(row any) ([]byte, error)
	decode(data []byte) (any, error)
}

type tableMeta struct {
	id       int
	name     string
	volatile bool
	indexes  []string
}

// Table is a typed table: rows of T under unique string keys, in key order.
// A row is immutable from Put on; change a copy and Put that.
type Table[T any] struct {
	tableMeta
	key    func(*T) string
	values []func(*T) []string
}

// TableOption configures a table in AddTable.
type TableOption[T any] func(*Table[T])

// Index adds a secondary index: By(tx, name, v) yields the rows for which
// values returns v among others. It need not be unique. values must depend on
// the row alone.
func Index[T any](name string, values func(*T) []string) TableOption[T] {
	return func(t *Table[T]) {
		t.indexes = append(t.indexes, name)
		t.values = append(t.values, values)
	}
}

// Volatile keeps a table out of the journal: its rows are gone after a restart.
// For observations that are made again, such as health and gauges.
func Volatile[T any]() TableOption[T] {
	return func(t *Table[T]) { t.volatile = true }
}

// AddTable adds a table to the schema. Names are prefixed by the owning
// package ("network.vpc") and are part of the journal's format. A second table
// of the same name, or one added after Open, is a programming error and panics.
func AddTable[T any](s *Schema, name string, key func(*T) string, opts ...TableOption[T]) *Table[T] {
	if s.sealed {
		panic(fmt.Sprintf("state: table %s added after Open", name))
	}
	if _, taken := s.byName[name]; taken {
		panic(fmt.Sprintf("state: table %s added twice", name))
	}
	t := &Table[T]{key: key}
	t.id, t.name = len(s.tables), name
	for _, o := range opts {
		o(t)
	}
	s.tables = append(s.tables, t)
	s.byName[name] = t
	return t
}

// Name is the table's name, as in Change.Table.
func (t *Table[T]) Name() string { return t.name }

func (t *Table[T]) meta() *tableMeta { return &t.tableMeta }

func (t *Table[T]) keyOf(row any) string { return t.key(row.(*T)) }

func (t *Table[T]) indexed(row any, index int) []string { return t.values[index](row.(*T)) }

func (t *Table[T]) encode(row any) ([]byte, error) { return json.Marshal(row) }

func (t *Table[T]) decode(data []byte) (any, error) {
	row := new(T)
	if err := json.Unmarshal(data, row); err != nil {
		return nil, err
	}
	return row, nil
}
