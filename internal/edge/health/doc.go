// Package health probes targets and decides whether they are healthy, as "Health checks for Application Load Balancer target
// groups" and "Health checks for Network Load Balancer target groups" describe it.
//
//	          first success
//	initial ────────────────▶ healthy ◀──────────────┐
//	   │                         │ unhealthy          │ healthy
//	   │ unhealthy               │ threshold of       │ threshold of
//	   │ threshold of            ▼ failures           │ successes
//	   └──────────────────▶ unhealthy ────────────────┘
//
// State is kept per target and survives changes of everything else; a changed health check starts over from the state the
// target is in. One scheduler knows when each target is due; only probes under way have goroutines.
package health
