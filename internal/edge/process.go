package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/dns"
	"github.com/neargate/neargate/internal/edge/door"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/health"
	"github.com/neargate/neargate/internal/edge/l4"
	"github.com/neargate/neargate/internal/edge/proxy"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// process is everything one edge has. Its parts do not know each other.
type process struct {
	log        *slog.Logger
	keeper     *keeper
	healthFile string
	proxy      *proxy.Engine // of application load balancers
	l4         *l4.Engine    // of network load balancers
	tls        *tlsterm.Servers
	health     *health.Scheduler
	dns        *dns.Server
	doors      *door.Keeper
	board      *board

	mu       sync.Mutex // orders snapshots
	snapshot *edgeapi.Snapshot
	content  [sha256.Size]byte // digest of snapshot as it was put
	over     bool              // a successor may keep snapshots from now on
}

// errStale refuses a snapshot that is not newer than the one served.
var errStale = errors.New("generation is not newer than the one served")

func (e *process) generation() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.snapshot == nil {
		return 0
	}
	return e.snapshot.Generation
}

var errOver = errors.New("edge is ending")

// retire has later snapshots refused.
func (e *process) retire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
}

// put serves a snapshot and keeps it for the next start. After an error the one before is served.
func (e *process) put(content []byte) (uint64, error) {
	s, err := decode(content)
	if err != nil {
		return 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return 0, errOver
	}
	if e.snapshot != nil && s.Generation <= e.snapshot.Generation {
		if s.Generation == e.snapshot.Generation && sha256.Sum256(content) == e.content {
			return s.Generation, nil
		}
		return 0, fmt.Errorf("generation %d: %w, which is %d", s.Generation, errStale, e.snapshot.Generation)
	}
	if err := s.Validate(); err != nil {
		return 0, &invalidError{err}
	}
	servers, err := e.tls.Load(s)
	if err != nil {
		return 0, &invalidError{err}
	}
	e.proxy.GiveWay()
	if err := e.keeper.keep(content); err != nil {
		return 0, fmt.Errorf("keep snapshot %d: %w", s.Generation, err)
	}
	e.proxy.GiveWay()
	e.serve(s, content, servers, func(k health.Key) bool {
		state, _ := e.health.Of(k)
		return state.State == edgeapi.TargetHealthy
	})
	return s.Generation, nil
}

// decode reads a snapshot. A field edge does not know is an error: ignoring it would serve something else than was meant.
func decode(content []byte) (*edgeapi.Snapshot, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var s edgeapi.Snapshot
	if err := d.Decode(&s); err != nil {
		return nil, &invalidError{err}
	}
	return &s, nil
}

// invalidError is a snapshot that will never be accepted.
type invalidError struct{ error }

func (e *invalidError) Unwrap() error { return e.error }

// resume serves the snapshot from before the restart, if there was one. Its targets are routed to unless they were known not to be healthy.
func (e *process) resume(content []byte, known map[health.Key]health.State) error {
	if content == nil {
		return nil
	}
	var s edgeapi.Snapshot
	if err := json.Unmarshal(content, &s); err != nil { // fields of another build are no reason to serve nothing
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	servers, err := e.tls.Load(&s)
	if err != nil {
		return err
	}
	e.serve(&s, content, servers, func(k health.Key) bool {
		state, ok := known[k]
		return !ok || state.State == edgeapi.TargetHealthy
	})
	return nil
}

// serve makes every part serve the snapshot. e.mu is held.
func (e *process) serve(s *edgeapi.Snapshot, content []byte, servers map[string]*tlsterm.Server, healthy func(health.Key) bool) {
	application, network := split(s)
	e.proxy.Apply(application, func(k proxy.TargetKey) bool { return healthy(health.Key(k)) })
	e.l4.Apply(network, servers, func(k l4.TargetKey) bool { return healthy(health.Key(k)) })
	e.health.Watch(watched(s), time.Now())
	for _, k := range unused(s) {
		e.setHealth(k, false) // should the group come into use, its targets begin anew
	}
	e.dns.Apply(s.Zones)
	e.doors.Apply(s.Doors, certified(s, servers))
	e.snapshot, e.content = s, sha256.Sum256(content)
	e.log.Debug("snapshot is served", "generation", s.Generation)
	e.board.changed()
}

func (e *process) healthChanged(k health.Key, s health.State) {
	e.setHealth(k, s.State == edgeapi.TargetHealthy)
	e.log.Info("target health", "group", k.Group, "target", k.ID, "port", k.Port, "state", s.State, "reason", s.Reason)
	e.board.changed()
	e.board.healthChanged()
}
