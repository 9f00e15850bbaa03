package control

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// trustFiles are the objects that trust stores are made of: those of an account's own buckets.
type trustFiles struct {
	store    *state.Store
	objects  *object.Engine
	policy   *policy.Tables
	clock    clock.Clock
	endpoint string // host:port of the APIs
}

// Read reads an object, which may have so many octets at most.
func (f trustFiles) Read(ctx context.Context, account, _, bucket, key, version string, most int64) ([]byte, error) {
	b, err := f.objects.Bucket(f.store.View(), bucket)
	if err != nil {
		return nil, err
	}
	if b.Account != account {
		return nil, fmt.Errorf("bucket %s is not account %s's", bucket, account)
	}
	v, content, err := f.objects.Get(ctx, b, key, version)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	if v.Marker || v.Size > most {
		return nil, fmt.Errorf("object %s/%s: a delete marker, or more than %d octets", bucket, key, most)
	}
	return io.ReadAll(content)
}

// Presign signs with keys that live as long as the address.
func (f trustFiles) Presign(ctx context.Context, account, region, bucket, key, version string, lasting time.Duration) (string, error) {
	now := f.clock.Now()
	var keys *policy.AccessKey
	err := f.store.Update(ctx, func(tx *state.Tx) error {
		keys = f.policy.NewSession(tx, now, account, arn.New("iam", "", account, "root"), account, lasting)
		return nil
	})
	if err != nil {
		return "", err
	}
	at := url.URL{Scheme: "http", Host: f.endpoint, Path: "/" + bucket + "/" + key}
	if version != "" {
		at.RawQuery = url.Values{"versionId": {version}}.Encode()
	}
	return sigv4.Presign(at, sigv4.Credentials{AccessKeyID: keys.ID, Secret: keys.Secret, Token: keys.Token}, region, now, lasting), nil
}
