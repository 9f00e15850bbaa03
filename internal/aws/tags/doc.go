// Package tags keeps the tags of resources as every service does: merged by key, at most so many, none with a reserved
// prefix. What a service calls an error in these is its own.
package tags
