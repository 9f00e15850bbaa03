// Package fabrictest holds what every network.Fabric must do, as a suite that sends real or imagined datagrams, and Fake, a fabric
// without a kernel, which remembers what it was told and answers who would reach whom. Engines are tested with the fake; the
// suite, which the fabric of the machine passes too, is what makes that worth something.
package fabrictest
