// Package object keeps buckets and objects, what S3 is made of. It knows nothing of HTTP or XML: services/s3 is its front, and
// accesslog delivers log files into it.
//
// A bucket and its settings are a row of the store: there are few, and others decide by them. Objects are many, so their rows
// are in a SQLite file of this package, and their content is in files, one for each PUT or uploaded part.
//
//	Receive: content ─▶ tmp/ID, synced ─▶ Put: row committed ─▶ acknowledged ─▶ blob/xx/ID
//	                                                     └ rows it replaced ─▶ their files in table garbage ─▶ removed
//
// The row decides. A file in tmp without a row is what a crash left of an upload nobody was told had succeeded, and goes; one
// with a row is moved to its place. Files of deleted rows are in the table garbage until they are removed, which waits for
// whoever is reading them. So after kill -9 every acknowledged object is there whole, and nothing else.
package object
