// Package control is the control plane put together: it opens the store and the
// machine, wires every engine and front by hand, runs their loops, keeps an edge
// process alive, and serves the AWS APIs, the registry and Neargate's own
// endpoints on one port.
//
//	Platform  ─ the process: listener, edge supervisor, reset
//	└─ core   ─ everything over one store, from Open to Close; a reset makes a new one
package control
