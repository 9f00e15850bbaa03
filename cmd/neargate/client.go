package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// defaultEndpoint is where a platform listens unless told otherwise.
const defaultEndpoint = "http://127.0.0.1:4566"

// client asks a running platform's own endpoints.
type client struct{ endpoint string }

// endpointFlag adds --endpoint; AWS_ENDPOINT_URL, which `neargate env` sets, is its default.
func endpointFlag(f *flag.FlagSet) *string {
	def := os.Getenv("AWS_ENDPOINT_URL")
	if def == "" {
		def = defaultEndpoint
	}
	return f.String("endpoint", def, "the platform's URL")
}

func (c client) url(path string, query url.Values) string {
	u := strings.TrimSuffix(c.endpoint, "/") + "/_neargate/" + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

// do sends a request and returns the answer's body; what is no success is an error.
func (c client) do(ctx context.Context, method, path string, query url.Values, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url(path, query), body)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		var failed *url.Error // would name the URL once more
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("no platform answers at %s (see --endpoint): %w", c.endpoint, err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	var answer struct{ Error string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil || answer.Error == "" {
		answer.Error = res.Status
	}
	return nil, fmt.Errorf("%s", answer.Error)
}

func (c client) get(ctx context.Context, path string, into any) error {
	body, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}
