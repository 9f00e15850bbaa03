package health

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// probeOf runs one probe of a target that answers like handler by HTTP/2.
func probeOf(t *testing.T, version, path, matcher string, handler http.HandlerFunc) Outcome {
	t.Helper()
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&http2.Server{}).ServeConn(far, &http2.ServeConnOpts{Handler: handler})
	}()
	target := watch(func(h *edgeapi.HealthCheck) { h.Path, h.Matcher, h.Timeout = path, matcher, 20*time.Second })
	target.Version = version
	c := &check{}
	c.configure(&target, at)
	o, err := c.probe(t.Context(), func(context.Context, []string, netip.AddrPort) (net.Conn, error) { return near, nil })
	if err != nil {
		t.Error(err)
	}
	<-done
	return o
}

func TestProbesByHTTP2(t *testing.T) {
	grpc := func(status string, inTrailers bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" || r.Header.Get("Content-Type") != "application/grpc" || r.Header.Get("Te") != "trailers" || r.ContentLength != 5 {
				t.Errorf("%+v", r)
			}
			w.Header().Set("Content-Type", "application/grpc")
			if inTrailers {
				w.Header().Set("Trailer", "Grpc-Status")
				w.Write(make([]byte, 7))
			}
			w.Header().Set("Grpc-Status", status)
		}
	}
	for _, test := range []struct {
		name, version, path, matcher string
		handler                      http.HandlerFunc
		want                         Outcome
	}{
		{"http2", edgeapi.VersionHTTP2, "/up?x", "204", func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "GET" || r.URL.Path != "/up" || r.Host != at.String() || r.UserAgent() != "ELB-HealthChecker/2.0" {
				t.Errorf("%+v", r)
			}
			w.WriteHeader(204)
		}, Outcome{OK: true, Code: 204}},
		{"http2 mismatch", edgeapi.VersionHTTP2, "/", "200", http.NotFound, Outcome{Reason: edgeapi.ReasonResponseCodeMismatch, Code: 404}},
		{"unimplemented", edgeapi.VersionGRPC, "/AWS.ALB/healthcheck", "12", grpc("12", false), Outcome{OK: true, Code: 12}},
		{"in trailers", edgeapi.VersionGRPC, "/grpc.health.v1.Health/Check", "0-2,12", grpc("0", true), Outcome{OK: true, Code: 0}},
		{"other code", edgeapi.VersionGRPC, "/AWS.ALB/healthcheck", "12", grpc("14", true), Outcome{Reason: edgeapi.ReasonResponseCodeMismatch, Code: 14}},
		{"no gRPC", edgeapi.VersionGRPC, "/AWS.ALB/healthcheck", "0-99", http.NotFound, Outcome{Reason: edgeapi.ReasonResponseCodeMismatch, Code: 404}},
		{
			"no status", edgeapi.VersionGRPC, "/AWS.ALB/healthcheck", "0-99", func(http.ResponseWriter, *http.Request) {},
			Outcome{Reason: edgeapi.ReasonFailedHealthChecks},
		},
		{
			"broken off", edgeapi.VersionGRPC, "/AWS.ALB/healthcheck", "0-99", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			Outcome{Reason: edgeapi.ReasonFailedHealthChecks},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := probeOf(t, test.version, test.path, test.matcher, test.handler); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
