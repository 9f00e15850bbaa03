// Package shim is the process that stands between a task's containers and the control plane: it is their parent, keeps their exit
// codes, writes their output to spools, and lives on when the control plane dies.
//
// One shim serves all containers of a task. It is containerd's runc shim — the task service, spoken to over ttrpc — without the
// start and delete helpers: the engine hands over the listening socket and cleans up itself, which saves two program starts per
// task. It runs from the same executable under another name (Name), see containers.MaybeShim.
package shim
