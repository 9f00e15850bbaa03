package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/neargate/neargate/internal/cert"
)

// Root is the PEM of the root that issues a data directory's certificates.
func Root(dataDir string) (string, error) {
	c := Config{DataDir: dataDir}
	root, err := cert.ReadRoot(c.authority())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s has no certificate authority: its first start makes one", dataDir)
	}
	return root, err
}

// serveRoot is what `neargate ca` prints.
func (c *core) serveRoot(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = io.WriteString(w, c.certs.Root()) // the client has gone
	return nil
}
