package s3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	client "github.com/aws/aws-sdk-go-v2/service/s3"
)

// Whatever is sent as a body, the answer is the client's fault or a success, never ours.
func FuzzBodies(f *testing.F) {
	for _, seed := range []struct{ query, body string }{
		{"versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"},
		{"tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"},
		{"lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><And><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"},
		{"acl", `<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>x</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`},
		{"policy", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket"}}`},
		{"encryption", "<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>"},
		{"publicAccessBlock", "<PublicAccessBlockConfiguration/>"},
		{"ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"},
		{"notification", "<NotificationConfiguration/>"},
		{"delete", "<Delete><Object><Key>k</Key></Object></Delete>"},
		{"requestPayment", "<RequestPaymentConfiguration/>"},
	} {
		f.Add(seed.query, seed.body)
	}
	w := open(f)
	w.bucket(f, "bucket")
	policy := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]}}`
	if _, err := w.DeletePublicAccessBlock(f.Context(), &client.DeletePublicAccessBlockInput{Bucket: new("bucket")}); err != nil {
		f.Fatal(err)
	}
	if _, err := w.PutBucketPolicy(f.Context(), &client.PutBucketPolicyInput{Bucket: new("bucket"), Policy: &policy}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		method := http.MethodPut
		if query == "delete" {
			method = http.MethodPost
		}
		if query == "policy" || query == "publicAccessBlock" {
			return // would lock this test out
		}
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+"/bucket", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.URL.RawQuery = "s3.localhost", query
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Skip(err) // not a request
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
			t.Errorf("%s %q: %d %s", query, body, resp.StatusCode, text)
		}
	})
}
