package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client calls AWS APIs as SDKs do, over connections it keeps. It signs with a placeholder, which both Neargate's loopback
// default and moto accept: what is measured is the server.
type client struct {
	endpoint string
	http     *http.Client
}

func newClient(endpoint string) *client {
	return &client{endpoint, &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}}
}

// dialect is how a service is spoken to.
type dialect struct{ service, target, contentType, version string }

var (
	ecsAPI  = dialect{service: "ecs", target: "AmazonEC2ContainerServiceV20141113", contentType: "application/x-amz-json-1.1"}
	logsAPI = dialect{service: "logs", target: "Logs_20140328", contentType: "application/x-amz-json-1.1"}
	ec2API  = dialect{service: "ec2", version: "2016-11-15", contentType: "application/x-www-form-urlencoded"}
	iamAPI  = dialect{service: "iam", version: "2010-05-08", contentType: "application/x-www-form-urlencoded"}
	elbAPI  = dialect{service: "elasticloadbalancing", version: "2015-12-01", contentType: "application/x-www-form-urlencoded"}
)

func (c *client) post(ctx context.Context, d dialect, op string, body []byte) ([]byte, error) {
	q, err := c.request(ctx, d, op, body)
	if err != nil {
		return nil, err
	}
	a, err := c.http.Do(q)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(a.Body)
	if err != nil {
		return nil, err
	}
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %.300s", d.service, op, a.Status, answer)
	}
	return answer, nil
}

func (c *client) request(ctx context.Context, d dialect, op string, body []byte) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	q.Header.Set("Content-Type", d.contentType)
	q.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	if d.target != "" {
		q.Header.Set("X-Amz-Target", d.target+"."+op)
	}
	q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=bench/"+now.Format("20060102")+"/us-east-1/"+d.service+
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
	return q, nil
}

// asker repeats a request of ECS.
func (c *client) asker(ctx context.Context, r request) (*asker, error) {
	q, err := c.request(ctx, ecsAPI, r.op, r.body)
	if err != nil {
		return nil, err
	}
	var wire bytes.Buffer
	if err := q.Write(&wire); err != nil {
		return nil, err
	}
	return &asker{address: q.URL.Host, request: wire.Bytes()}, nil
}

// fields is a JSON object.
type fields = map[string]any

// json calls an operation of a service that speaks JSON. out may be nil.
func (c *client) json(ctx context.Context, d dialect, op string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := c.post(ctx, d, op, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func (c *client) ecs(ctx context.Context, op string, in, out any) error {
	return c.json(ctx, ecsAPI, op, in, out)
}

// query calls an operation of a service that speaks forms and XML. pairs are names and values.
func (c *client) query(ctx context.Context, d dialect, op string, pairs ...string) (document, error) {
	form := url.Values{"Action": {op}, "Version": {d.version}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.post(ctx, d, op, []byte(form.Encode()))
}

// own calls one of Neargate's own endpoints.
func (c *client) own(ctx context.Context, method, path string, body io.Reader, out any) error {
	q, err := http.NewRequestWithContext(ctx, method, c.endpoint+"/_neargate/"+path, body)
	if err != nil {
		return err
	}
	a, err := c.http.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %.300s", path, a.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// document is an XML answer.
type document []byte

// all are the texts of every element of that name.
func (d document) all(name string) (out []string) {
	in := false
	for dec := xml.NewDecoder(bytes.NewReader(d)); ; {
		token, err := dec.Token()
		if err != nil {
			return out
		}
		switch t := token.(type) {
		case xml.StartElement:
			in = t.Name.Local == name
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); in && text != "" {
				out = append(out, text)
			}
		case xml.EndElement:
			in = false
		}
	}
}

// first is the text of the first element of that name.
func (d document) first(name string) (string, error) {
	if all := d.all(name); len(all) > 0 {
		return all[0], nil
	}
	return "", errors.New("answer has no " + name)
}
