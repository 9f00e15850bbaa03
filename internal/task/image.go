package task

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/state"
)

func needsImages(v *view) bool { return v.task.Status == Pending && v.task.PullStoppedAt.IsZero() }

// pull makes the images present, and the log streams ready meanwhile.
func (l *Loop) pull(ctx context.Context, v *view) (change, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.openLogs(ctx, v.task) })
	var images map[string]Image
	group.Go(func() (err error) {
		images, err = l.pullImages(ctx, v)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return func(_ *state.Tx, t *Task) error {
		if t.Status != Pending {
			return nil
		}
		t.PullStoppedAt = l.life.now()
		for i := range t.Containers {
			c := &t.Containers[i]
			c.Digest, c.StopSignal = images[c.Image].Digest, images[c.Image].StopSignal
		}
		return nil
	}, nil
}

// pullImages goes the task's own way: without a route to the registry there is no image.
// AWS: "Fargate task networking": the task's elastic network interface is also what images are pulled through.
func (l *Loop) pullImages(ctx context.Context, v *view) (map[string]Image, error) {
	place, err := l.Network.Realise(ctx, v.task.Attachment.InterfaceID)
	if err != nil {
		return nil, fmt.Errorf("ResourceInitializationError: failed to attach network interface %s: %w", v.task.Attachment.InterfaceID, err)
	}
	images := map[string]Image{}
	for i := range v.def.Containers {
		ref := v.def.Containers[i].Image
		if _, done := images[ref]; done {
			continue
		}
		image, err := l.Engine.Pull(ctx, PullRequest{Ref: ref, NetNS: place.NetNS})
		if err != nil {
			return nil, err
		}
		images[ref] = image
	}
	return images, nil
}
