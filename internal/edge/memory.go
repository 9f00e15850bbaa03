package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/neargate/neargate/internal/edge/health"
)

// remembered is one line of what was known of health.
type remembered struct {
	health.Key
	health.State
}

// loadHealth reads what was known when the process before ended. Without the file everything is unknown.
func loadHealth(path string) (map[health.Key]health.State, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []remembered
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	known := make(map[health.Key]health.State, len(all))
	for _, r := range all {
		known[r.Key] = r.State
	}
	return known, nil
}

// keepHealth writes what is known of health after it has changed, so that a restart reports and routes as before instead of
// going through "initial" again. Losing the last change is harmless: it is observed again.
func (e *process) keepHealth(ctx context.Context) error {
	const pause = 200 * time.Millisecond // changes come in bursts
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.board.health:
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		known := e.health.All()
		all := make([]remembered, 0, len(known))
		for k, s := range known {
			all = append(all, remembered{k, s})
		}
		content, err := json.Marshal(all)
		if err == nil {
			err = writeFile(e.healthFile, content)
		}
		if err != nil {
			e.log.Warn("health is not kept", "err", err)
		}
	}
}
