// Package awserr holds the errors that leave the API: a code and status that clients match on, and a message people
// read. Generated code exports one Class per modeled error; fronts make errors from a class, or from a bare code where
// the model has none (EC2). The gateway encodes them as each protocol wants.
package awserr
