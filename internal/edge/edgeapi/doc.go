// Package edgeapi is the contract between the control plane (serve) and the data plane (edge): the snapshot that serve
// puts, the status and counters that edge answers, and the client of the unix socket they travel over.
//
//	serve                                   edge
//	  │ PUT /v1/snapshot (whole, generation N)  │ validate, write to disk, swap one pointer
//	  │◀──────────── 200 {"generation":N} ──────│ from here on no new request sees generation N-1
//	  │ GET /v1/status?after=SEQ&wait=30s       │ target health, draining, sockets
//	  │ GET /v1/counters                        │ monotonic since Counters.Started
//
// A snapshot is always whole, never a delta: there is nothing to resynchronise after either side dies. The package imports
// only the standard library, so that either side can be replaced.
package edgeapi
