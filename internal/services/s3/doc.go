// Package s3 is the API front of Amazon S3. Buckets and objects are object's; this package knows their settings, who may do
// what with them, and how all of it is worded.
package s3
