package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// calls is gRPC's own client before a target group of protocol version GRPC, whose health checks are calls of the health service.
func (f *fleet) calls() {
	t := f.t
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := grpc.NewClient("passthrough:///"+appDomain+":443",
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(f.roots, "")),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(f.web.address, "443"))
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say := func(ctx context.Context, word string, options ...grpc.CallOption) (string, error) {
		var out wrapperspb.StringValue
		err := c.Invoke(ctx, "/test.Words/Say", wrapperspb.String(word), &out, options...)
		return out.Value, err
	}

	var header, trailer metadata.MD
	got, err := say(ctx, "hello", grpc.Header(&header), grpc.Trailer(&trailer))
	if err != nil || got != "re: hello" || fmt.Sprint(header.Get("x-from"), trailer.Get("x-sum")) != "["+f.host.String()+"] [5]" {
		t.Errorf("unary: %q, %v, header %v, trailer %v", got, err, header, trailer)
	}
	long := strings.Repeat("long ", 100_000)
	if got, err := say(ctx, long); err != nil || got != "re: "+long {
		t.Errorf("half a megabyte: %d octets, %v", len(got), err)
	}
	_, err = say(ctx, "9", grpc.Trailer(&trailer))
	if s := status.Convert(err); s.Code() != codes.FailedPrecondition || s.Message() != "as wanted" || len(trailer.Get("x-sum")) != 1 {
		t.Errorf("a status: %v, trailer %v", err, trailer)
	}
	// No rule leads there but the default one, whose targets speak HTTP/1.1: the load balancer's answer is what gRPC makes of HTTP's.
	if _, err := grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err == nil {
		t.Error("a call to targets that do not speak gRPC is answered")
	}
	f.chat(ctx, c)

	names := make(chan string, 100)
	var g errgroup.Group
	for range cap(names) {
		g.Go(func() error {
			var header metadata.MD
			_, err := say(ctx, "many", grpc.Header(&header))
			names <- strings.Join(header.Get("x-target"), "")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	close(names)
	answered := map[string]int{}
	for name := range names {
		answered[name]++
	}
	if answered["a"] < 40 || answered["b"] < 40 { // health checks are calls too, and what is tried again counts twice
		t.Errorf("100 calls over one connection are shared out %v", answered)
	}
}

// chat talks in both directions over one stream.
func (f *fleet) chat(ctx context.Context, c *grpc.ClientConn) {
	t := f.t
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Words/Chat")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two", "three"} {
		var in wrapperspb.StringValue
		if err := errors.Join(s.SendMsg(wrapperspb.String(word)), s.RecvMsg(&in)); err != nil || in.Value != "re: "+word {
			t.Fatalf("%s: %q %v", word, in.Value, err)
		}
	}
	err = errors.Join(s.CloseSend())
	if end := s.RecvMsg(&wrapperspb.StringValue{}); err != nil || !errors.Is(end, io.EOF) || fmt.Sprint(s.Trailer().Get("x-sum")) != "[bye]" {
		t.Errorf("the stream ends with %v %v, trailer %v", err, end, s.Trailer())
	}
}
