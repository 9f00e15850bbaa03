// Command app is the service of this example: a small HTTP server that tells who it is and misbehaves on demand.
//
//	/ /api/               version, host name, address, as text or (Accept: application/json) JSON
//	/healthz /api/health  200 while it is willing to serve
//	/call                 fetches $UPSTREAM_URL and passes the answer on
//	/slow?ms=N            answers after N milliseconds
//	/fail?code=N          answers with that status, 500 by default
//	/burn?ms=N            keeps a processor busy for N milliseconds
//	/alloc?mb=N           takes N MiB of memory and keeps them
//	/crash                ends the process with status 1
//
// It listens on $PORT, 8080 by default; $VERSION is what it calls itself. On SIGTERM it finishes what it has begun and exits with 0.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetOutput(os.Stdout)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		log.Fatal(err)
	}
	a := newApp(cmp.Or(os.Getenv("VERSION"), "v1"), os.Getenv("UPSTREAM_URL"), os.Exit)
	if err := a.serve(ctx, l); err != nil {
		log.Fatal(err)
	}
}

// grace is how long requests under way may take once the process has been asked to stop. ECS kills after 30 s by default.
const grace = 25 * time.Second

// serve answers requests until ctx is done and those under way are answered. Until then it goes on taking new ones: whoever sends
// them may not have heard yet that it is to stop.
func (a *app) serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	log.Printf("version %s listens on %s", a.version, l.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.Printf("stopping")
	drained, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for a.underWay.Load() > 0 && drained.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Shutdown(drained); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
