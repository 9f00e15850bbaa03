package aws

import (
	"context"
	"time"
)

// Call is the request being served. Handlers read it with From.
type Call struct {
	Account     string // 12 digits: the account whose resources the call sees
	Region      string // from the credential scope, else the gateway's default
	RequestID   string
	Principal   string // ARN of the caller
	AccessKeyID string
	Anonymous   bool // nobody signed, and the service decides what that means (S3)

	Service   string // the service's short name: "ecs"
	Operation string

	Host     string // as the client addressed us, for building URLs in answers
	Scheme   string // "http" or "https"
	SourceIP string

	Now time.Time // when the request was accepted
}

type callKey struct{}

// With returns a context that carries c.
func With(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// From returns the request being served. It panics outside of one: a handler without a caller is a programming error.
func From(ctx context.Context) *Call {
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		panic("aws: no call in context")
	}
	return c
}
