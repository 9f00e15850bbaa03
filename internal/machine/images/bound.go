package images

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	ctrimages "github.com/containerd/containerd/v2/core/images"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDescriptors is how many descriptors an image may lead to, counted once for each way to them. A few indexes that name
// each other's children twice would otherwise be walked for ever.
const maxDescriptors = 4096

var errEndless = errors.New("image leads to too many manifests and layers")

// bounded ends a walk that has gone on for too long. What comes after it may walk the same image without a bound.
func bounded(next ctrimages.HandlerFunc) ctrimages.HandlerFunc {
	var seen atomic.Int64
	return func(ctx context.Context, d ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		if seen.Add(1) > maxDescriptors {
			return nil, fmt.Errorf("%w: more than %d", errEndless, maxDescriptors)
		}
		return next(ctx, d)
	}
}
