// Package payload reads request bodies in the forms S3's clients send them in: as they are, or in chunks with signatures and
// trailing fields ("aws-chunked"). A body is read once, in pieces, and is good only if its reader ends with io.EOF: what it
// promised of length, hash and signatures is known by then.
package payload
