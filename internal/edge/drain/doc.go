// Package drain tells exactly when a target that gets nothing new has nothing left: no request in layer 7, no flow in layer 4.
package drain
