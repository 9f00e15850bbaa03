// Package edge is the data plane: the process behind "neargate edge". It terminates load balancer listeners, probes
// targets, answers DNS inside VPCs and opens doors on the host, all from one immutable snapshot that the control plane puts.
//
// It needs the control plane only to change: it starts from the last snapshot on disk, and goes on for as long as it likes
// after the control plane has died.
package edge
