package control

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"

	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/machine/fabric"
)

// Config says how a platform runs.
type Config struct {
	Listen     string  // host:port of the AWS APIs
	DataDir    string  // everything durable; one platform each
	Account    string  // default account, 12 digits
	Region     string  // default Region
	TimeScale  float64 // how many times faster control loops wait
	AllowReset bool    // serve POST /_neargate/reset
	Enforce    bool    // refuse requests not signed with keys that Neargate issued
	Binary     string  // this program, for the processes it starts
	Version    string
	Log        *slog.Logger
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// check completes the configuration and refuses what can't work.
func (c *Config) check() error {
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return err
	}
	c.DataDir = dir
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("listen address %q: %w", c.Listen, err)
	case !accountForm.MatchString(c.Account):
		return fmt.Errorf("account id %q: must be 12 digits", c.Account)
	case !regionForm.MatchString(c.Region):
		return fmt.Errorf("region %q: must look like us-east-1", c.Region)
	case !(c.TimeScale >= 1 && c.TimeScale <= 10_000): // nor NaN
		return fmt.Errorf("time scale %v: must be between 1 and 10000", c.TimeScale)
	}
	if ip := net.ParseIP(host); !c.Enforce && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("listen address " + c.Listen + " can be reached from other machines: use --auth enforce with it")
	}
	return nil
}

// The data directory's layout.
func (c *Config) path(name string) string { return filepath.Join(c.DataDir, name) }

// authority is the folder of the certificate authority. A reset leaves it: whoever trusts the root need not do so again.
func (c *Config) authority() string { return c.path("ca") }

// place is where one data directory's platform is on the machine.
type place struct {
	instance   string
	fabric     fabric.Config
	containers containers.Config
	edge       edgePlace
}

func placeOf(dataDir string, log *slog.Logger) (place, error) {
	instance, err := fabric.Instance(dataDir)
	if err != nil {
		return place{}, err
	}
	return place{
		instance:   instance,
		fabric:     fabric.Config{Instance: instance, Log: log},
		containers: containers.Config{Instance: instance, DataDir: dataDir, Log: log},
		edge: edgePlace{
			// Not in the data directory: a unix socket's path ends at 107 bytes.
			run:      "/run/neargate-" + instance + "-edge",
			snapshot: filepath.Join(dataDir, "edge", "snapshot"),
			log:      filepath.Join(dataDir, "edge", "edge.log"),
			pid:      filepath.Join(dataDir, "edge", "pid"),
			logs:     filepath.Join(dataDir, "edge", "logs"),
		},
	}, nil
}
