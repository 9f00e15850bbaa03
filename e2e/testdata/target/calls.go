package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// words is a service with a method that answers and one that talks.
var words = grpc.ServiceDesc{
	ServiceName: "test.Words", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: say}},
	Streams: []grpc.StreamDesc{{StreamName: "Chat", Handler: chat, ServerStreams: true, ClientStreams: true}},
}

func serveGRPC(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := grpc.NewServer()
	s.RegisterService(&words, struct{}{})
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	return s.Serve(l)
}

// say answers a word with header and trailer, a number with that status.
func say(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var in wrapperspb.StringValue
	if err := decode(&in); err != nil {
		return nil, err
	}
	md, _ := metadata.FromIncomingContext(ctx)
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-target", name, "x-from", first(md.Get("x-forwarded-for"))))
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-sum", strconv.Itoa(len(in.Value))))
	if code, err := strconv.ParseUint(in.Value, 10, 32); err == nil {
		return nil, status.Error(codes.Code(code), "as wanted")
	}
	return wrapperspb.String("re: " + in.Value), nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// chat answers each word before it asks for the next one.
func chat(_ any, s grpc.ServerStream) error {
	for {
		var in wrapperspb.StringValue
		switch err := s.RecvMsg(&in); {
		case errors.Is(err, io.EOF):
			s.SetTrailer(metadata.Pairs("x-sum", "bye"))
			return nil
		case err != nil:
			return err
		}
		if err := s.SendMsg(wrapperspb.String("re: " + in.Value)); err != nil {
			return err
		}
	}
}
