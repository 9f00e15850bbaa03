// Package registry is an OCI registry: repositories, manifests and tags as rows
// of the store, blobs as files named by their digest. docker, crane and the
// container engine reach it through Handler (the OCI distribution protocol on
// the same port as the AWS APIs), services/ecr through the same methods.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
package registry
