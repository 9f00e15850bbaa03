package shim

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	ptypes "github.com/containerd/containerd/v2/pkg/protobuf/types"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/spool"
)

// Scheme is the scheme of a Stdout that means: everything the container says goes to a spool.
const Scheme = "spool"

// SpoolURI is the Stdout of a container whose output goes to the spool at path, of which at most max bytes are kept unread.
func SpoolURI(path string, max int64) string {
	u := url.URL{Scheme: Scheme, Path: path}
	if max > 0 {
		u.RawQuery = url.Values{"max": {strconv.FormatInt(max, 10)}}.Encode()
	}
	return u.String()
}

// service is containerd's task service with spools and signals by pidfd, which needs no runc process.
//
// A control plane that dies takes its connection with it, and with that the context of what it has asked for. What has begun is
// carried through all the same: a `runc start` that is killed between the container's first step and its own last one leaves a
// container that runs and is taken for one that does not, and the next start waits for it for ever.
type service struct {
	taskapi.TTRPCTaskService
	trim *time.Timer // gives memory back some time after the last start

	mu     sync.Mutex
	pidfds map[string]int
}

func (s *service) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	s.trim.Reset(3 * time.Second)
	done := func() {}
	if u, err := url.Parse(r.Stdout); err == nil && u.Scheme == Scheme {
		if done, err = divert(r, u); err != nil {
			return nil, errgrpc.ToGRPC(fmt.Errorf("output of %s: %w", r.ID, err))
		}
	}
	resp, err := s.TTRPCTaskService.Create(context.WithoutCancel(ctx), r)
	done()
	if err != nil {
		return nil, err
	}
	fd, err := unix.PidfdOpen(int(resp.Pid), 0)
	if err == nil {
		s.mu.Lock()
		s.pidfds[r.ID] = fd
		s.mu.Unlock()
	}
	return resp, nil
}

func (s *service) Start(ctx context.Context, r *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	return s.TTRPCTaskService.Start(context.WithoutCancel(ctx), r)
}

// divert makes the request's output go through pipes that this process reads. The returned function must be called once the
// service has opened its own ends: from then on the pipes end when the container's do.
func divert(r *taskapi.CreateTaskRequest, u *url.URL) (func(), error) {
	limit, _ := strconv.ParseInt(u.Query().Get("max"), 10, 64)
	w, err := spool.Create(u.Path, limit)
	if err != nil {
		return nil, err
	}
	var (
		ends    sync.WaitGroup
		holders []*os.File
		errs    []error
	)
	tap := func(name string, stream spool.Stream) string {
		path := filepath.Join(r.Bundle, name)
		in, hold, err := pipe(path)
		if err != nil {
			errs = append(errs, err)
			return ""
		}
		holders = append(holders, hold)
		ends.Go(func() {
			defer in.Close()
			if err := w.Copy(stream, in); err != nil {
				log.L.WithError(err).WithField("container", r.ID).Error("output lost")
			}
		})
		return path
	}
	r.Stdout, r.Stderr = tap("stdout", spool.Stdout), ""
	if !r.Terminal {
		r.Stderr = tap("stderr", spool.Stderr)
	}
	release := func() {
		for _, h := range holders {
			h.Close()
		}
	}
	go func() {
		ends.Wait()
		w.Close()
	}()
	if err := errors.Join(errs...); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// pipe makes a named pipe and opens it for reading, and for writing so that it does not end before its writer has come.
func pipe(path string) (in, hold *os.File, err error) {
	if err := unix.Mkfifo(path, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	if in, err = os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		return nil, nil, err
	}
	if hold, err = os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0); err != nil {
		in.Close()
		return nil, nil, err
	}
	return in, hold, nil
}

func (s *service) Kill(ctx context.Context, r *taskapi.KillRequest) (*ptypes.Empty, error) {
	s.mu.Lock()
	fd, ok := s.pidfds[r.ID]
	if !ok || r.ExecID != "" || r.All {
		s.mu.Unlock()
		return s.TTRPCTaskService.Kill(ctx, r)
	}
	err := unix.PidfdSendSignal(fd, unix.Signal(r.Signal), nil, 0)
	s.mu.Unlock()
	if errors.Is(err, unix.ESRCH) {
		return nil, errgrpc.ToGRPC(fmt.Errorf("process already finished: %w", errdefs.ErrNotFound))
	} else if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &ptypes.Empty{}, nil
}

func (s *service) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	resp, err := s.TTRPCTaskService.Delete(context.WithoutCancel(ctx), r)
	if err == nil && r.ExecID == "" {
		s.mu.Lock()
		if fd, ok := s.pidfds[r.ID]; ok {
			unix.Close(fd)
			delete(s.pidfds, r.ID)
		}
		s.mu.Unlock()
	}
	return resp, err
}
