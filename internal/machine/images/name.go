package images

import (
	"fmt"

	"github.com/distribution/reference"
)

// Normalize turns a name as task definitions have it into the full one: "nginx" → "docker.io/library/nginx:latest".
func Normalize(ref string) (string, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", ref, err)
	}
	return named.String(), nil
}
