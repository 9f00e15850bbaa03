// Command shim is nothing but what an engine makes of its executable.
package main

import "github.com/neargate/neargate/internal/machine/containers"

func main() { containers.MaybeShim() }
