// Package simulated is a task engine without containers: it keeps the law of task.Engine over maps, at any scale, in virtual time
// when it runs inside a testing/synctest bubble, and it fails when and how it is told to. It proves the control loops at a size no
// machine has, and lets tests provoke what real containers do rarely.
//
// What a container does is decided by its command, in the words of the conformance suite's probe program ("exit 3", "sleep",
// "trap TERM 7", "alloc 512"), by the Behaviour set for its image, or else it runs until it is told to stop.
package simulated
