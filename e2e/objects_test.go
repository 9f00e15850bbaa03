package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// s3 makes a signed request to S3 and returns what it answers.
func (p *platform) s3(method, path string, body []byte) []byte {
	p.t.Helper()
	out, err := p.tryS3(method, path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *platform) tryS3(method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Content-Sha256", hash)
	keys := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	plain := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }
	if err := v4.NewSigner().SignHTTP(req.Context(), keys, req, hash, "s3", "us-east-1", time.Now(), plain); err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, out)
	}
	return out, err
}
