// Package image builds container images without a container engine: from a Go main package or from files, onto nothing.
//
// `neargate image build` and the demo use it; the archives it writes are what `docker load`, `crane push` and `neargate image
// load` read.
package image
