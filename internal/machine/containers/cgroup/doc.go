// Package cgroup keeps the control groups of tasks: one per task with its cpu and memory limits, made here, and one per container
// inside it, made by runc. It speaks version 2 and version 1 (also the hybrid of both) by writing the kernel's files.
package cgroup
