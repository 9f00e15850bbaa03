// Package event is the outbox of facts: what happened, written in the same
// transaction as the change it tells of, so that a fact exists exactly when its
// change does. Service events, EventBridge, notifications and the audit trail
// read it sideways; whoever emits does not know them.
//
// Facts are numbered without gaps and kept up to a bound; a consumer that
// remembers the number it has read to can resume after a restart and can see
// when it came too late.
package event
