// Package ecr is the front of Amazon Elastic Container Registry over
// internal/registry, which docker pushes to.
package ecr
