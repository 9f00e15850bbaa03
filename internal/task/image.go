package task

import (
	"context"

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
		images, err = l.pullImages(ctx, v.def)
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

func (l *Loop) pullImages(ctx context.Context, d *Definition) (map[string]Image, error) {
	images := map[string]Image{}
	for i := range d.Containers {
		ref := d.Containers[i].Image
		if _, done := images[ref]; done {
			continue
		}
		image, err := l.Engine.Pull(ctx, PullRequest{Ref: ref})
		if err != nil {
			return nil, err
		}
		images[ref] = image
	}
	return images, nil
}
