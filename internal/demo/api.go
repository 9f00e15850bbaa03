package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// api speaks AWS's JSON and query protocols as the SDKs do. The SDKs' own
// packages would be larger than Neargate.
type api struct {
	endpoint string
	region   string
	http     *http.Client
	signer   *v4.Signer
}

func newAPI(endpoint, region string) *api {
	return &api{endpoint: endpoint, region: region, http: &http.Client{Timeout: 30 * time.Second}, signer: v4.NewSigner()}
}

// maxAnswer bounds an answer that is read.
const maxAnswer = 16 << 20

func (a *api) send(ctx context.Context, service string, body []byte, headers map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if err := a.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), service, a.region, time.Now()); err != nil {
		return nil, err
	}
	res, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

// json calls an operation of a JSON service: ecs, logs, ecr.
func (a *api) json(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := a.send(ctx, service, body, map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// params are the parameters of a query operation.
type params map[string]string

var versions = map[string]string{"ec2": "2016-11-15", "elasticloadbalancing": "2015-12-01", "iam": "2010-05-08"}

// query calls an operation of a query service: ec2, elasticloadbalancing, iam.
func (a *api) query(ctx context.Context, service, action string, p params) (node, error) {
	form := url.Values{"Action": {action}, "Version": {versions[service]}}
	for k, v := range p {
		form.Set(k, v)
	}
	answer, err := a.send(ctx, service, []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
	if err != nil {
		return node{}, fmt.Errorf("%s: %w", action, err)
	}
	var n node
	return n, xml.Unmarshal(answer, &n)
}

// node is an element of an XML answer.
type node struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
	Nodes   []node `xml:",any"`
}

// at is the text at a path of element names.
func (n node) at(path string) (string, error) {
	for _, name := range strings.Split(path, "/") {
		found := false
		for _, c := range n.Nodes {
			if c.XMLName.Local == name {
				n, found = c, true
				break
			}
		}
		if !found {
			return "", errors.New("the answer has no " + path)
		}
	}
	return strings.TrimSpace(n.Text), nil
}
