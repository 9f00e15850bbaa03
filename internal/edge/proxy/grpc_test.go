package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// words is a gRPC service with one method of each kind.
var words = grpc.ServiceDesc{
	ServiceName: "test.Words", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: say}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true},
		{StreamName: "Count", Handler: count, ServerStreams: true},
	},
}

// say answers with the word and where the caller seems to come from, or fails with a status if the word is a number.
func say(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in wrapperspb.StringValue
	if err := decode(&in); err != nil {
		return nil, err
	}
	if code, err := strconv.Atoi(in.Value); err == nil {
		return nil, status.Error(codes.Code(code), "as wanted: 100% ü")
	}
	if in.Value == "sleep" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	md, _ := metadata.FromIncomingContext(ctx)
	grpc.SetHeader(ctx, metadata.Pairs("x-header", "h"))
	grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "t"))
	return wrapperspb.String(in.Value + " " + md.Get("x-forwarded-for")[0]), nil
}

// chat answers each word before it asks for the next one.
func chat(_ any, s grpc.ServerStream) error {
	for {
		var in wrapperspb.StringValue
		if err := s.RecvMsg(&in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := s.SendMsg(wrapperspb.String("re: " + in.Value)); err != nil {
			return err
		}
	}
}

func count(_ any, s grpc.ServerStream) error {
	var in wrapperspb.StringValue
	if err := s.RecvMsg(&in); err != nil {
		return err
	}
	n, _ := strconv.Atoi(in.Value)
	for i := range n {
		if err := s.SendMsg(wrapperspb.String(string(make([]byte, 10_000)) + strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func grpcTarget(t testing.TB) edgeapi.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	s.RegisterService(&words, struct{}{})
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return targetAt(l.Addr())
}

// newGRPC is a bench whose group has a version, with a gRPC client.
func newGRPC(t testing.TB, version string, targets ...edgeapi.Target) (*bench, *grpc.ClientConn) {
	t.Helper()
	b := newBench(t)
	b.apply(func(s *edgeapi.Snapshot) { s.TargetGroups = []edgeapi.TargetGroup{versionGroup(version, targets...)} })
	c, err := grpc.NewClient("passthrough:///"+b.multiplex(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return b, c
}

func versionGroup(version string, targets ...edgeapi.Target) edgeapi.TargetGroup {
	g := testGroup(groupARN, targets...)
	g.ProtocolVersion = version
	if version == edgeapi.VersionGRPC {
		g.HealthCheck.Path, g.HealthCheck.Matcher = "/AWS.ALB/healthcheck", "12"
	}
	return g
}

func TestGRPC(t *testing.T) {
	for _, version := range []string{edgeapi.VersionGRPC, edgeapi.VersionHTTP2} {
		t.Run(version, func(t *testing.T) {
			b, c := newGRPC(t, version, grpcTarget(t))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()

			var out wrapperspb.StringValue
			var header, trailer metadata.MD
			err := c.Invoke(ctx, "/test.Words/Say", wrapperspb.String("hello"), &out, grpc.Header(&header), grpc.Trailer(&trailer))
			if err != nil || out.Value != "hello 127.0.0.1" || header.Get("x-header")[0] != "h" || trailer.Get("x-trailer")[0] != "t" {
				t.Errorf("%v %q %v %v", err, out.Value, header, trailer)
			}
			err = c.Invoke(ctx, "/test.Words/Say", wrapperspb.String("9"), &out)
			if s := status.Convert(err); s.Code() != codes.FailedPrecondition || s.Message() != "as wanted: 100% ü" {
				t.Errorf("%v", err)
			}
			err = c.Invoke(ctx, "/AWS.ALB/healthcheck", wrapperspb.String(""), &out)
			if status.Code(err) != codes.Unimplemented {
				t.Errorf("%v", err)
			}

			s, err := c.NewStream(ctx, &words.Streams[0], "/test.Words/Chat")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				word := strconv.Itoa(i)
				if err := s.SendMsg(wrapperspb.String(word)); err != nil {
					t.Fatal(err)
				}
				if err := s.RecvMsg(&out); err != nil || out.Value != "re: "+word {
					t.Fatalf("%v %q", err, out.Value)
				}
			}
			s.CloseSend()
			if err := s.RecvMsg(&out); !errors.Is(err, io.EOF) {
				t.Error(err)
			}

			s, err = c.NewStream(ctx, &words.Streams[1], "/test.Words/Count")
			if err != nil {
				t.Fatal(err)
			}
			s.SendMsg(wrapperspb.String("100"))
			s.CloseSend()
			for i := range 100 {
				if err := s.RecvMsg(&out); err != nil || len(out.Value) < 10_001 {
					t.Fatalf("message %d: %v %d", i, err, len(out.Value))
				}
			}
			if err := s.RecvMsg(&out); !errors.Is(err, io.EOF) {
				t.Error(err)
			}

			short, stop := context.WithTimeout(ctx, 2*time.Second) // before which the call must have begun
			defer stop()
			err = c.Invoke(short, "/test.Words/Say", wrapperspb.String("sleep"), &out)
			if status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("%v", err)
			}
			counters := b.engine.Counters()
			if f := counters.LoadBalancers[0].FrontCounters; f.Requests != 6 || f.GRPCRequests != 6 || f.HTTP2Requests != 6 {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestGRPCErrors has the load balancer answer itself: gRPC clients make a status of the HTTP status.
func TestGRPCErrors(t *testing.T) {
	dead := rawTarget(t, func(_ int, c net.Conn, _ *bufio.Reader) { c.Close() })
	for _, test := range []struct {
		name, version string
		targets       []edgeapi.Target
		want          codes.Code
		words         string
	}{
		{"no target", edgeapi.VersionGRPC, nil, codes.Unavailable, "503"},
		{"broken target", edgeapi.VersionGRPC, []edgeapi.Target{dead}, codes.Unavailable, "502"},
		{"group of HTTP1", edgeapi.VersionHTTP1, []edgeapi.Target{grpcTarget(t)}, codes.Unknown, "464"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, c := newGRPC(t, test.version, test.targets...)
			err := c.Invoke(t.Context(), "/test.Words/Say", wrapperspb.String("hello"), &wrapperspb.StringValue{})
			if status.Code(err) != test.want || !strings.Contains(status.Convert(err).Message(), test.words) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestIncompatibleVersions covers the rest of "HTTP 464: Unsupported protocol".
func TestIncompatibleVersions(t *testing.T) {
	target := grpcTarget(t)
	for _, test := range []struct {
		version, method string
		http2           bool
		want            int
	}{
		{edgeapi.VersionHTTP2, "GET", false, 464},
		{edgeapi.VersionGRPC, "POST", false, 464},
		{edgeapi.VersionGRPC, "GET", true, 464},
		{edgeapi.VersionGRPC, "POST", true, 415}, // the target's answer
		{edgeapi.VersionHTTP2, "GET", true, 415},
	} {
		b, _ := newGRPC(t, test.version, target)
		url, client := b.url(), http.DefaultClient
		if test.http2 {
			url, client = "http://a.example", http2Client(t, b.multiplex())
		}
		request, _ := http.NewRequest(test.method, url, nil)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%+v: %s", test, response.Status)
		}
	}
}

// TestSecureGRPC is gRPC with TLS on both sides, as a client and a target have it.
func TestSecureGRPC(t *testing.T) {
	pair := newAuthority(t).issue(t, ecdsaKey(t), "target.example", nil)
	certificate, err := tls.X509KeyPair([]byte(pair.Chain), []byte(pair.Key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	s.RegisterService(&words, struct{}{})
	go s.Serve(l)
	t.Cleanup(s.Stop)

	b := newBench(t)
	a := secured(t, b, func(s *edgeapi.Snapshot, _ *edgeapi.Listener) {
		g := versionGroup(edgeapi.VersionGRPC, targetAt(l.Addr()))
		g.Protocol = edgeapi.ProtocolHTTPS
		s.TargetGroups = []edgeapi.TargetGroup{g}
	})
	config := a.config()
	config.NextProtos = []string{"h2"}
	c, err := grpc.NewClient("passthrough:///"+b.address(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	var out wrapperspb.StringValue
	for i := range 20 {
		word := "w" + strconv.Itoa(i)
		if err := c.Invoke(t.Context(), "/test.Words/Say", wrapperspb.String(word), &out); err != nil || out.Value != word+" 127.0.0.1" {
			t.Fatalf("%v %q", err, out.Value)
		}
	}
	stream, err := c.NewStream(t.Context(), &words.Streams[1], "/test.Words/Count")
	if err != nil {
		t.Fatal(err)
	}
	stream.SendMsg(wrapperspb.String("300"))
	stream.CloseSend()
	n := 0
	for stream.RecvMsg(&out) == nil {
		n++
	}
	if n != 300 {
		t.Errorf("%d messages", n)
	}
	if n := b.engine.Counters().TargetGroups[0].Targets[0].Connections; n != 1 {
		t.Errorf("%d connections", n)
	}
}
