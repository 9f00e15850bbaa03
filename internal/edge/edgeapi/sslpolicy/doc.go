// Package sslpolicy is the table of ELB's security policies. The API front lists it and edge's TLS acts on it, so that both say the
// same; it knows names and order, not how to encrypt.
package sslpolicy
