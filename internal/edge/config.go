package edge

import (
	"log/slog"
	"time"
)

// Config is what an edge process is started with.
type Config struct {
	Socket       string       // unix socket to serve edgeapi on; held exclusively through Socket+".lock"
	SnapshotFile string       // where the last accepted snapshot is kept; what was known of health is kept beside it
	Log          *slog.Logger // nil: slog.Default
	// DrainTimeout is how long requests in flight may go on once ctx is done. 0 means 10 s; raise it where requests are
	// long and restarts of edge planned.
	DrainTimeout time.Duration
}
