// Package aws is the surface through which API fronts meet the wire: the request being served (Call), the typed
// operation values that generated code exports (Operation), and the pairing of an operation with its handler (Binding).
//
// It knows no service. Requests enter through gateway, are turned into typed inputs by proto, reach a front through a
// Binding, and leave the same way:
//
//	func (s *Service) Operations() []aws.Binding {
//		return []aws.Binding{
//			ecsapi.CreateCluster.Bind(s.CreateCluster),
//			ecsapi.DeleteCluster.Bind(s.DeleteCluster),
//		}
//	}
//
//	func (s *Service) CreateCluster(ctx context.Context, in *ecsapi.CreateClusterInput) (*ecsapi.CreateClusterOutput, error) {
//		call := aws.From(ctx) // account, region, request id, …
//		…
//	}
//
// The shape of generated types (internal/api/<svc>): every scalar is a pointer and nil means absent (*string, *int32,
// *int64, *bool, *float64, *time.Time); enums are *string with untyped constants, so new(ecsapi.LaunchTypeFargate) is a
// value; lists are []T, of values for scalars and of structs for structures; maps are map[string]T; structures are
// pointers; blobs are []byte; documents are any; event streams are Stream[T]. A nil list or map is left out of a
// response, an empty one is written. Inputs have passed the model's constraints (required, length, range, pattern,
// enum) before a handler sees them.
package aws
