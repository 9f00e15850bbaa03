// Package containers runs tasks' containers on this machine: the task.Engine of one Linux host.
//
//	Engine ── images.Store        content, layers (containerd's libraries, in process)
//	   │  ╲── cgroup.Tree         /neargate-<instance>/<task>/<container>
//	   │
//	   └─ ttrpc over a unix socket ──► shim, one per task ──► runc ──► containers
//	                                     └─► spool, one file per container
//
// What has to survive the control plane is on disk and in the shims: <data>/tasks/<task>/ holds a record per task and container
// beside the OCI bundles, a shim holds exit codes, a control group holds its count of OOM kills. Open reads all of it back.
package containers
