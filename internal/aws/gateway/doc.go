// Package gateway is where API requests enter. One pipeline, the list in pipeline.go, takes each of them from HTTP to the
// handler that a front bound to its operation, and the answer back, whatever protocol the client speaks. It knows no
// service; all it knows comes with the bindings.
package gateway
