// Package idem gives operations their client tokens: a request repeated with
// the same token answers what the first one answered and does nothing. Tokens
// are rows, written in the transaction that does the work, so a client that
// retries after a crash gets exactly one resource.
package idem
