// Package netns opens sockets inside network namespaces that are known by path, such as those of load balancer interfaces.
//
// A socket belongs for ever to the namespace of the thread that created it, so one locked thread moves from namespace to
// namespace and creates sockets there; everything after creation happens on ordinary goroutines. The thread is never given
// back to the runtime: it ends with its goroutine.
package netns
