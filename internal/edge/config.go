package edge

import (
	"flag"
	"log/slog"
	"os"
	"strconv"
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

// Flags defines what serve says on edge's command line. The lock file is named by its descriptor: edge is born with it open.
func (c *Config) Flags(f *flag.FlagSet) {
	f.StringVar(&c.Socket, "socket", "", "unix socket of its control API")
	f.Func("lock-fd", "`file descriptor` of the socket's lock file, already locked", func(s string) error {
		fd, err := strconv.ParseUint(s, 10, 31)
		if err == nil && fd > 0 {
			c.Lock = os.NewFile(uintptr(fd), "lock")
		}
		return err
	})
	f.StringVar(&c.Snapshot, "snapshot", "", "path, without an ending, of the files that keep the last accepted snapshot")
	f.StringVar(&c.Names, "names", "", "file in which to write where load balancer names lead, for other platforms on this machine")
	f.StringVar(&c.Neighbours, "neighbours", "", "pattern of the files that other platforms wrote with --names")
	f.StringVar(&c.Logs, "logs", "", "directory for access and connection logs of load balancers, until they are delivered")
	f.DurationVar(&c.LogInterval, "log-interval", 0, "how much time a file of those logs covers")
}
