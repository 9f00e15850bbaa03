// Package state is the store under everything that must be remembered: typed
// tables of immutable rows, transactions, watches, and a journal that makes
// them outlive the process. It knows no row type and no service; fronts,
// engines and control loops meet here and nowhere else.
//
// All rows live in memory in persistent radix trees. One writer at a time runs
// the function given to Update; any number of readers look at an immutable
// snapshot through View, without a lock.
//
//	Update ─ fn(tx) on head ─▶ queue ─▶ leader: journal.Commit(batch) ─▶ visible ─▶ watches
//	                                    (one transaction for all waiting writers)      │
//	View ◀──────────────────────────────────────────────────────── one atomic pointer ◀┘
//
// What a reader may see. Writers build on the head, which holds everything
// staged so far; readers and watchers see only what the journal has made
// durable. So nobody outside an Update ever acts on, or answers with, a change
// that a crash could take back, and whoever returned from Update finds its own
// change in the next View. An Update that wrote nothing, or whose function
// returned an error, was still decided on the head, and therefore also waits
// until the head it saw is durable.
//
// When the journal refuses a batch, every update in it and every one staged on
// top of it fails with the journal's error, the head falls back to the last
// durable state, and the store goes on: a full disk costs errors, not
// consistency. Only ErrLost ends it.
package state
