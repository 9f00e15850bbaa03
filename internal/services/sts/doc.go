// Package sts is the front of AWS Security Token Service: it tells callers who
// they are and issues the sessions of roles, which the gateway verifies.
package sts
