// Package private makes database files that only their owner may read. Everything that keeps rows in an SQLite file of the data
// directory, the journal and the engines alike, asks it before opening one: SQLite itself makes them as readable as the umask
// lets it, and a data directory that somebody else made may be open to all.
package private
