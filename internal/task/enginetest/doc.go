// Package enginetest is the law of task.Engine as tests. Every engine passes it: the simulated one, this machine's (machine/containers), later a cluster's.
//
// Containers in it run the probe program (enginetest/probe), a static binary that an engine's own test packs into an image:
//
//	/probe               the program, the image's entrypoint; the default command is "sleep"
//	/seed/file           a file with the text "seeded"
//	environment          FROM_IMAGE=yes
//	working directory    /seed
package enginetest
