package state

import (
	"context"
	"errors"
)

// FormatVersion is the version of what a journal holds: the encoding of rows
// and the meaning of table names. A journal written by a newer version is
// refused by the journal's constructor; raise it with the change that makes
// older programs misread the rows.
const FormatVersion = 1

// Record is one row's new value, or its deletion when Value is nil.
type Record struct {
	Table, Key string
	Value      []byte
}

// Batch is what one journal transaction makes durable: all records or none.
// A key may occur more than once; the last record wins.
type Batch struct {
	Seq     uint64 // one more than the last committed batch's
	Records []Record
}

// Journal keeps the current value of every row. Only one process owns it at a
// time; the constructor takes that ownership or fails naming the owner.
// Load is called once, before the first Commit; Commit is never called
// concurrently.
//
// journaltest.Run is the law every implementation passes.
type Journal interface {
	// Load gives every current row, in no order, and returns the Seq of the
	// last committed batch, 0 if there was none. It stops at fn's error.
	Load(ctx context.Context, fn func(Record) error) (seq uint64, err error)
	// Commit makes the batch durable before it returns nil. After an error
	// nothing of the batch may become visible later, unless the error is
	// ErrLost. A Seq that does not follow the last one is ErrLost.
	Commit(ctx context.Context, b Batch) error
	// Close gives up ownership. The rows stay.
	Close() error
}

// ErrLost says that the journal no longer belongs to this store: another
// process took it over, or a commit's outcome is unknown. The store refuses
// every further update; the process should end and start again from the
// journal.
var ErrLost = errors.New("journal lost")
