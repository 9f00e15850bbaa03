package control

import (
	"net/http"

	"github.com/neargate/neargate/internal/machine/images"
)

// imageLimit is the largest archive taken in bytes.
const imageLimit = 16 << 30

// loadImage imports a docker or OCI archive: ?name=demo/web:latest gives it that name.
func (c *core) loadImage(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("name")
	if name != "" {
		if _, err := images.Normalize(name); err != nil {
			return &refusal{http.StatusBadRequest, err.Error()}
		}
	}
	names, err := c.machine.Images().Import(r.Context(), http.MaxBytesReader(w, r.Body, imageLimit), name)
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	writeJSON(w, http.StatusOK, map[string][]string{"images": names})
	return nil
}

func (c *core) listImages(w http.ResponseWriter, r *http.Request) error {
	list, err := c.machine.Images().List(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"images": list})
	return nil
}
