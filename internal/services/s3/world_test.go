package s3_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/services/s3"
	"github.com/neargate/neargate/internal/state"
)

const account = "123456789012"

// keys are the keys that Neargate issued.
type keys struct{}

func (keys) Lookup(id string) (gateway.Key, bool) {
	switch id {
	case "AKIDOWNER":
		return gateway.Key{Secret: "secret", Account: account, Principal: "arn:aws:iam::" + account + ":root"}, true
	case "AKIDOTHER":
		return gateway.Key{Secret: "secret", Account: "999999999999", Principal: "arn:aws:iam::999999999999:user/eve"}, true
	}
	return gateway.Key{}, false
}

// world is the front behind a gateway that enforces signatures.
type world struct {
	url, dir string
	*client.Client
}

func open(t testing.TB) *world {
	t.Helper()
	schema := state.NewSchema()
	tables := object.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	e, err := object.Open(object.Config{Store: store, Tables: tables, Path: filepath.Join(dir, "objects.db"), Dir: filepath.Join(dir, "objects"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	g := gateway.Handler(gateway.Config{Account: account, Region: "us-east-1", Enforce: true, Keys: keys{}, Log: log}, s3.New(store, tables, e, log))
	server := httptest.NewServer(g)
	t.Cleanup(func() { server.Close(); e.Close() })
	w := &world{url: server.URL, dir: dir}
	w.Client = w.as("AKIDOWNER", "secret", nil)
	return w
}

// as is a client with a key. It finds every host name at the server.
func (w *world) as(id, secret string, change func(*client.Options)) *client.Client {
	address := strings.TrimPrefix(w.url, "http://")
	return client.New(client.Options{
		Region: "us-east-1", BaseEndpoint: &w.url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}},
		RetryMaxAttempts: 1,
	}, func(o *client.Options) {
		if change != nil {
			change(o)
		}
	})
}

func (w *world) bucket(t testing.TB, name string) {
	t.Helper()
	if _, err := w.CreateBucket(t.Context(), &client.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) put(t *testing.T, bucket, key, content string) *client.PutObjectOutput {
	t.Helper()
	out, err := w.PutObject(t.Context(), &client.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) get(t *testing.T, bucket, key string) string {
	t.Helper()
	out, err := w.GetObject(t.Context(), &client.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plain sends a request that nobody signed, and returns status and body.
func (w *world) plain(t *testing.T, method, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
