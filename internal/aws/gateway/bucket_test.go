package gateway

import "testing"

func TestBucketHost(t *testing.T) {
	for _, c := range []struct {
		host, bucket string
		service      bool
	}{
		{"s3.amazonaws.com", "", true},
		{"s3.us-east-1.amazonaws.com:443", "", true},
		{"bucket.s3.amazonaws.com", "bucket", true},
		{"my.bucket.s3.eu-west-1.amazonaws.com", "my.bucket", true},
		{"bucket.s3-us-west-2.amazonaws.com", "bucket", true},
		{"s3.s3.localhost", "s3", true},
		{"bucket.s3.localhost:4566", "bucket", true},
		{"Bucket.S3.Localhost.", "bucket", true},
		{"s3-logs.localhost:4566", "s3-logs", false},
		{"bucket.localhost", "bucket", false},
		{"my.bucket.neargate.localhost:4566", "my.bucket", false},
		{"neargate.localhost", "", false},
		{"localhost:4566", "", false},
		{"127.0.0.1:4566", "", false},
		{"[::1]:4566", "", false},
		{"example.com", "", false},
		{"", "", false},
	} {
		if bucket, service := BucketHost(c.host); bucket != c.bucket || service != c.service {
			t.Errorf("%s: %q, %v", c.host, bucket, service)
		}
	}
}
