package edge

import (
	"context"
	"errors"
)

// ErrRunning is returned when another edge holds the socket.
var ErrRunning = errors.New("another edge serves this socket")

// Run serves until ctx is done, then stops accepting, lets requests in flight end and returns nil.
func Run(ctx context.Context, c Config) error {
	return errors.New("not running yet")
}
