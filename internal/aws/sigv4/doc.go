// Package sigv4 reads and verifies AWS Signature Version 4, in the Authorization header or in the query string of a
// presigned URL. It holds no keys: the gateway looks them up.
package sigv4
