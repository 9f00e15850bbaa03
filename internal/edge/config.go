package edge

import (
	"log/slog"
	"os"
	"time"
)

// Config is what an edge process is started with.
type Config struct {
	Socket   string       // unix socket to serve edgeapi on; held exclusively through Socket+".lock"
	Lock     *os.File     // the open Socket+".lock", where whoever starts edge has locked it already; nil: edge does
	Snapshot string       // path, without an ending, of the files in which the last accepted snapshot and what is known of health are kept
	Log      *slog.Logger // nil: slog.Default
	// Names is the file in which this edge writes down where the names of its load balancers lead, Neighbours the pattern
	// of the files of all platforms on this machine: whichever has a port of 127.0.0.1 serves the names of all. May be empty.
	Names, Neighbours string
	// Logs is the directory of access and connection logs; empty: none are written. LogInterval is how much time a file of
	// them covers; 0 means 5 minutes.
	Logs        string
	LogInterval time.Duration
	// DrainTimeout is how long requests in flight may go on once ctx is done. 0 means 10 s; raise it where requests are
	// long and restarts of edge planned.
	DrainTimeout time.Duration
}
