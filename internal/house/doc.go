// Package house holds the tests that read the repository itself: the arrows
// between packages, the paragraph every package owes its reader, what planners
// may not do, the commands the README promises. It has no code of its own.
package house
