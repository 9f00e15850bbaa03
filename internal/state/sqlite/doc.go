// Package sqlite is the journal of a platform that runs on one machine: one
// SQLite file in write-ahead mode, holding the current value of every row. A
// row's older values are overwritten, so the file is as large as the state and
// never needs compacting. It implements state.Journal and passes
// state/journaltest.
package sqlite
