package aws

import (
	"context"
	"fmt"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// Service describes one AWS API. Values are generated, immutable, and cost nothing at program start.
type Service struct {
	Name           string // short name, as in internal/api: "ecs", "elbv2"
	ID             string // the SDKs' service id: "Elastic Load Balancing v2"
	FullName       string
	SigningName    string // service part of the credential scope
	EndpointPrefix string // first label of the AWS host name
	APIVersion     string
	TargetPrefix   string // X-Amz-Target prefix of the JSON protocols
	JSONVersion    string
	XMLNamespace   string
	Protocols      []string // in the model's order of preference: json, query, ec2, rest-json, rest-xml, smithy-rpc-v2-cbor
	QueryErrors    bool     // awsQueryCompatible: errors carry their query code beside the modeled one
	BareErrors     bool     // REST-XML: errors are not wrapped in an ErrorResponse (S3)
	BucketHosts    bool     // the first label of paths may stand in the host name instead; requests may be anonymous (S3)

	InvalidCode  string // error code of a failed model constraint
	Violations   string // how such failures are worded: "" as most do, "ec2", "parameter" (ECR)
	TokenCode    string // error code of a pagination token that is not ours
	Operations   []Route
	EnumValues   func(enum string) []string // values an enum of an input may have
	GlobalRegion bool                       // one endpoint for all regions (IAM)
}

// Route names one operation that the AWS API has, whether or not Neargate models it, and where REST protocols find it.
// Operations that share method and path are told apart by what their requests must have beside these: Query parameters and
// Headers.
type Route struct {
	Name, Method, Path string
	Query, Headers     []string
}

// OperationInfo is the untyped part of an operation: what the wire has to know.
type OperationInfo struct {
	Service *Service
	Name    string

	Method string // REST protocols only
	Path   string // REST protocols only: URI template
	Status int    // REST protocols only: status of success, 0 means 200

	ResultWrapper   string // query: element around the output
	InputRoot       string // rest-xml: root element of the request
	InputNamespace  string // rest-xml: its namespace
	OutputRoot      string // rest-xml: root element of the response
	OutputNamespace string
	OutputBare      bool // rest-xml: the output's one member is the root element's text (GetBucketLocation)

	StreamsInput bool  // the input has a body that is not held in memory
	MaxBody      int64 // limit of the request body in bytes, 0 means the gateway's

	Unsigned bool // AWS accepts it without a signature (AssumeRoleWithWebIdentity)
	Errors   []*awserr.Class
}

// Operation is one typed operation of a service. Generated code exports one value of it per operation.
type Operation[I, O any] struct{ Info *OperationInfo }

// Bind pairs the operation with its handler; a wrong pairing does not compile.
func (o Operation[I, O]) Bind(handle func(context.Context, *I) (*O, error)) Binding {
	return Binding{
		Info: o.Info,
		New:  func() any { return new(I) },
		Call: func(ctx context.Context, in any) (any, error) {
			typed, ok := in.(*I)
			if !ok {
				return nil, fmt.Errorf("%s %s: input is %T", o.Info.Service.Name, o.Info.Name, in)
			}
			out, err := handle(ctx, typed)
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(O)
			}
			return out, nil
		},
	}
}

// Binding is an operation with a handler.
type Binding struct {
	Info *OperationInfo
	New  func() any                                     // a fresh *Input
	Call func(ctx context.Context, in any) (any, error) // takes what New made, returns a non-nil *Output or an error
}

// Front is an API front: one service's operations and their handlers.
type Front interface {
	Operations() []Binding
}

// Val is *p, or the zero value where p is nil.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
