package edge

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	maxSnapshot = 512 << 20
	maxWait     = time.Minute
)

// handler serves the calls of edgeapi.
func (e *process) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/snapshot", e.putSnapshot)
	mux.HandleFunc("GET /v1/status", e.getStatus)
	mux.HandleFunc("GET /v1/counters", func(w http.ResponseWriter, _ *http.Request) { e.reply(w, e.counters()) })
	return mux
}

func (e *process) putSnapshot(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSnapshot))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	generation, err := e.put(content)
	if err != nil {
		e.log.Warn("snapshot refused", "err", err)
		status := http.StatusInternalServerError
		var invalid *invalidError
		switch {
		case errors.As(err, &invalid):
			status = http.StatusBadRequest
		case errors.Is(err, errStale):
			status = http.StatusConflict
		}
		http.Error(w, err.Error(), status)
		return
	}
	e.reply(w, map[string]uint64{"generation": generation})
}

func (e *process) getStatus(w http.ResponseWriter, r *http.Request) {
	var after uint64
	var wait time.Duration
	var err error
	if v := r.FormValue("after"); v != "" {
		if after, err = strconv.ParseUint(v, 10, 64); err != nil {
			http.Error(w, "after: "+err.Error(), http.StatusBadRequest)
			return
		}
	}
	if v := r.FormValue("wait"); v != "" {
		if wait, err = time.ParseDuration(v); err != nil {
			http.Error(w, "wait: "+err.Error(), http.StatusBadRequest)
			return
		}
	}
	seq := e.board.wait(r.Context(), after, min(wait, maxWait))
	e.reply(w, e.status(seq))
}

func (e *process) reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		e.log.Debug("answer not sent", "err", err)
	}
}
