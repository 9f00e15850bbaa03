package images

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	remoteserrors "github.com/containerd/containerd/v2/core/remotes/errors"
	"github.com/containerd/errdefs"
)

// Failure is an image that cannot be had. Reason is worded as Fargate words it after "CannotPullContainerError: "
// (AWS: Amazon ECS Developer Guide, "CannotPullContainer task errors in Amazon ECS").
type Failure struct {
	Ref    string
	Reason string
	Retry  bool // another attempt may succeed
	Err    error
}

func (f *Failure) Error() string { return fmt.Sprintf("pull %s: %s", f.Ref, f.Reason) }
func (f *Failure) Unwrap() error { return f.Err }

// unresolved is a failure before anything was fetched: the name leads nowhere.
func unresolved(full, ref string, err error) *Failure {
	return &Failure{
		Ref: ref, Err: err, Retry: passes(err),
		Reason: fmt.Sprintf("pull image manifest has been retried 1 time(s): failed to resolve ref %s: %v", full, err),
	}
}

// failure is one on the way.
func failure(full, ref string, err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{
		Ref: ref, Err: err, Retry: passes(err),
		Reason: fmt.Sprintf("ref pull has been retried 1 time(s): failed to pull and unpack image %q: %v", full, err),
	}
}

func (s *Store) wrongPlatform(ref string, err error) *Failure {
	return &Failure{
		Ref: ref, Err: err,
		Reason: fmt.Sprintf("pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching platform '%s/%s'", s.platform.OS, s.platform.Architecture),
	}
}

// passes tells whether err is of the passing kind: no way to the registry, or a registry in trouble.
func passes(err error) bool {
	if isCancelled(err) || errdefs.IsNotFound(err) || errors.Is(err, docker.ErrInvalidAuthorization) {
		return false
	}
	if status, ok := errors.AsType[remoteserrors.ErrUnexpectedStatus](err); ok {
		return status.StatusCode >= 500 || status.StatusCode == 429
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return true
	}
	_, ok := errors.AsType[net.Error](err)
	return ok
}

// isCancelled tells whether whoever asked gave up. A registry that does not answer is something else, though a dialer's timeout
// calls itself context.DeadlineExceeded too.
func isCancelled(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !network
}
