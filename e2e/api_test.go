package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// The tests speak to ECS through AWS's SDK for Go, and to the APIs around it in their wire forms, which need no further SDKs.

// ecs is AWS's client.
func (p *platform) ecs() *ecs.Client {
	return ecs.New(ecs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(p.endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// apiError is an API's refusal.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message) }

// element is one element of an XML answer.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// all are the elements at a path of names.
func (e element) all(path string) []element {
	name, rest, deeper := strings.Cut(path, "/")
	var found []element
	for _, c := range e.Children {
		switch {
		case c.XMLName.Local != name:
		case deeper:
			found = append(found, c.all(rest)...)
		default:
			found = append(found, c)
		}
	}
	return found
}

// get is the text of the first element at a path.
func (e element) get(path string) string {
	found := e.all(path)
	if len(found) == 0 {
		return ""
	}
	return strings.TrimSpace(found[0].Text)
}

// versions are those of the query APIs.
var versions = map[string]string{"ec2": "2016-11-15", "elb": "2015-12-01", "iam": "2010-05-08"}

// query calls an operation of a query API with names and values of parameters. Results are answered without their wrapper.
func (p *platform) query(api, action string, pairs ...string) (element, error) {
	form := url.Values{"Action": {action}, "Version": {versions[api]}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	res, err := http.PostForm(p.endpoint, form)
	if err != nil {
		return element{}, err
	}
	defer res.Body.Close()
	var out element
	if err := xml.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("%s: %s: %w", action, res.Status, err)
	}
	if res.StatusCode != http.StatusOK {
		for _, path := range []string{"Errors/Error", "Error"} {
			if found := out.all(path); len(found) > 0 {
				return out, &apiError{res.StatusCode, found[0].get("Code"), found[0].get("Message")}
			}
		}
		return out, &apiError{status: res.StatusCode}
	}
	if result := out.all(action + "Result"); len(result) > 0 {
		return result[0], nil
	}
	return out, nil
}

func (p *platform) must(api, action string, pairs ...string) element {
	p.t.Helper()
	out, err := p.query(api, action, pairs...)
	if err != nil {
		p.t.Fatalf("%s %s %v: %v", api, action, pairs, err)
	}
	return out
}

func (p *platform) ec2(action string, pairs ...string) element {
	p.t.Helper()
	return p.must("ec2", action, pairs...)
}

func (p *platform) elb(action string, pairs ...string) element {
	p.t.Helper()
	return p.must("elb", action, pairs...)
}

// targets are the X-Amz-Target prefixes of the JSON APIs.
var targets = map[string]string{"logs": "Logs_20140328", "ecr": "AmazonEC2ContainerRegistry_V20150921", "acm": "CertificateManager"}

// json calls an operation of a JSON API.
func (p *platform) json(api, operation string, in map[string]any, out any) {
	p.t.Helper()
	if err := p.tryJSON(api, operation, in, out); err != nil {
		p.t.Fatalf("%s %s: %v", api, operation, err)
	}
}

func (p *platform) tryJSON(api, operation string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, p.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", targets[api]+"."+operation)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		var e struct {
			Type    string `json:"__type"`
			Message string
		}
		_ = json.Unmarshal(text, &e)
		return &apiError{res.StatusCode, e.Type, e.Message}
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
