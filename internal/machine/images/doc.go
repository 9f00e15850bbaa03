// Package images holds container images: fetched from registries or loaded from archives, unpacked into layers, ready to be stacked
// under a container.
//
// It is containerd's content store, metadata database and overlay snapshotter, wired by hand: containerd's plugin graph is global
// to the process, would bring gRPC servers nobody calls, and hides the wiring from the compiler. A container gets no snapshot of
// its own but a stack of its image's layer directories (Rootfs): nothing is written to a database when a container starts.
package images
