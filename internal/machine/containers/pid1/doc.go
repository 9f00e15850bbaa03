// Package pid1 is the smallest of processes number one: it starts a command, passes signals on, reaps orphans and ends as the
// command ends. Containers with an init process enabled run under it, and a task whose containers share a pid namespace has one,
// without a command, that holds the namespace.
//
// It is this very executable, mounted into the container as Path. So that it costs a container as little as possible, the package
// imports next to nothing and takes over in its init function: packages are initialised by import path once what they import is
// ready, so this happens before almost all of the program's own tables are built.
package pid1
