// Package publish is the one road between the rows and edge. It joins load balancers, target groups, interfaces and names into one whole
// snapshot whenever a row that matters has changed, numbers it and puts it; and it follows what edge observes and hands that to
// balance.
//
//	rows ─▶ watch ─▶ assign a generation ─▶ read ─▶ Snapshot ─▶ Edge.Put ─▶ acknowledged
//	rows ◀─ balance.Observe ◀─ Edge.Status (long poll)
//
// Edge refuses a snapshot whole, so one object it cannot serve would stop all others from changing. Serves and ServesGroup answer for single
// objects, by edge's own rules, to those who are about to write rows. Names leave out zones without enough healthy targets; see answered.
//
// A snapshot is always complete, so there is nothing to repair after either side died: the next one says it all.
package publish
