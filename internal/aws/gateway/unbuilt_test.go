package gateway

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
)

// buckets is a front of S3.
type buckets struct{}

func (buckets) Operations() []aws.Binding {
	return []aws.Binding{s3api.GetObject.Bind(func(context.Context, *s3api.GetObjectInput) (*s3api.GetObjectOutput, error) {
		return &s3api.GetObjectOutput{}, nil
	})}
}

// S3 Control is signed as S3 is; what it asks for is no object.
func TestS3Control(t *testing.T) {
	server := httptest.NewServer(Handler(Config{}, buckets{}))
	t.Cleanup(server.Close)
	const path = "/v20180820/configuration/publicAccessBlock"
	status, _, body := signed("s3", "GET", path, map[string]string{"X-Amz-Account-Id": "000000000000"}).do(t, server.URL)
	if status != 501 || !strings.Contains(body, "<Message>Neargate does not implement s3control GET "+path+" yet") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := signed("s3", "GET", path, nil).do(t, server.URL); status != 200 {
		t.Errorf("an object in a bucket of that name: %d %s", status, body)
	}
}
