package gateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

type sent struct {
	method, path string
	header       map[string]string
	body         string
}

func (s sent) do(t *testing.T, address string) (status int, header http.Header, body string) {
	t.Helper()
	method := s.method
	if method == "" {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, address+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range s.header {
		r.Header.Set(k, v)
	}
	return send(t, r)
}

func send(t *testing.T, r *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func target(operation, body string) sent {
	return sent{body: body, path: "/", header: map[string]string{
		"X-Amz-Target": operation, "Content-Type": "application/x-amz-json-1.1",
	}}
}

// signed is a request in a service's name without a body.
func signed(service, method, path string, header map[string]string) sent {
	s := sent{method: method, path: path, header: map[string]string{
		"X-Amz-Date":    "20260801T120000Z",
		"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260801/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00",
	}}
	maps.Copy(s.header, header)
	return s
}

func ecs(operation, body string) sent {
	return target("AmazonEC2ContainerServiceV20141113."+operation, body)
}

func form(body string) sent {
	return sent{body: body, path: "/", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
}

func compressed(t *testing.T, s sent, text string) sent {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s.body = b.String()
	s.header["Content-Encoding"] = "gzip"
	return s
}

func TestBadInput(t *testing.T) {
	address := serve(t, nil)
	deep := strings.Repeat(`{"cluster":`, 10_000)
	for _, tt := range []struct {
		name   string
		sent   sent
		status int
		want   string
	}{
		{"json: not json", ecs("CreateCluster", `{"clusterName":`), 400, `"__type":"SerializationException"`},
		{"json: bare word", ecs("CreateCluster", `yes`), 400, `"__type":"SerializationException"`},
		{"json: trailing comma", ecs("CreateCluster", `{"clusterName":"a",}`), 400, `"__type":"SerializationException"`},
		{"json: rest after value", ecs("CreateCluster", `{} {}`), 400, `"__type":"SerializationException"`},
		{"json: a list", ecs("CreateCluster", `[]`), 400, `Start of list found where not expected`},
		{"json: number for string", ecs("CreateCluster", `{"clusterName":1}`), 400, `NUMBER_VALUE can not be converted to a String`},
		{"json: string for integer", ecs("RunTask", `{"taskDefinition":"a","count":"1"}`), 400, `STRING_VALUE can not be converted to an Integer`},
		{"json: fraction for integer", ecs("RunTask", `{"taskDefinition":"a","count":1.5}`), 400, `NUMBER_VALUE can not be converted to an Integer`},
		{"json: integer too large", ecs("RunTask", `{"taskDefinition":"a","count":4294967296}`), 400, `NUMBER_VALUE can not be converted to an Integer`},
		{"json: string for boolean", ecs("RunTask", `{"taskDefinition":"a","enableExecuteCommand":"true"}`), 400, `STRING_VALUE can not be converted to a Boolean`},
		{"json: object for list", ecs("CreateCluster", `{"tags":{}}`), 400, `Start of structure or map found where not expected`},
		{"json: string for list", ecs("CreateCluster", `{"tags":"x"}`), 400, `Expected list or null`},
		{"json: string for structure", ecs("CreateCluster", `{"tags":["x"]}`), 400, `Expected null`},
		{"json: deep unknown member", ecs("CreateCluster", deep), 400, `nested too deeply`},
		{"json: deep known member", ecs("CreateCluster", `{"tags":`+strings.Repeat("[", 5000)), 400, `SerializationException`},
		{"json: invalid UTF-8", ecs("CreateCluster", "{\"clusterName\":\"\xff\"}"), 400, `invalid UTF-8`},
		{"json: control character", ecs("CreateCluster", "{\"clusterName\":\"a\x00b\"}"), 400, `control character`},
		{"json: required member missing", ecs("DeleteCluster", `{}`), 400, `1 validation error detected: Value null at 'cluster' failed to satisfy constraint: Member must not be null`},
		{"json: empty body", ecs("DeleteCluster", ``), 400, `Value null at 'cluster'`},
		{"json: 10 MB", ecs("CreateCluster", `{"clusterName":"`+strings.Repeat("x", 10<<20)+`"}`), 413, `RequestEntityTooLargeException`},
		{"json: unknown operation", ecs("MakeCoffee", `{}`), 400, `UnknownOperationException`},
		{"json: unbound operation", ecs("ExecuteCommand", `{}`), 501, `Neargate does not implement ecs ExecuteCommand yet`},
		{"json: unknown service", target("DynamoDB_20120810.ListTables", `{}`), 501, `Neargate does not implement DynamoDB_20120810 ListTables yet`},
		{"json: target without dot", target("Nonsense", `{}`), 400, `UnknownOperationException`},
		{"json: bad gzip", func() sent { s := ecs("CreateCluster", "x"); s.header["Content-Encoding"] = "gzip"; return s }(), 400, `not valid gzip`},
		{"json: gzip bomb", compressed(t, ecs("CreateCluster", ""), `{"clusterName":"`+strings.Repeat("x", 20<<20)+`"}`), 413, `RequestEntityTooLargeException`},
		{"json: bad timestamp", target("Logs_20140328.PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":"now","message":"m"}]}`), 400, `STRING_VALUE can not be converted to a Long`},
		{"json: too long, too", target("Logs_20140328.PutLogEvents", `{"logGroupName":"g:","logStreamName":"`+strings.Repeat("s", 513)+`","logEvents":[{"timestamp":-1,"message":""}]}`), 400, `4 validation errors detected: `},

		{"query: malformed", form("Action=CreateRole&RoleName=%zz"), 404, `<Code>MalformedQueryString</Code>`},
		{"query: no action", form("Version=2010-05-08"), 400, `<Code>MissingAction</Code>`},
		{"query: unknown action", form("Action=MakeCoffee&Version=2010-05-08"), 400, `Could not find operation MakeCoffee for version 2010-05-08`},
		{"query: unbound action", form("Action=DeletePolicy&Version=2010-05-08"), 501, `<Code>NotImplemented</Code><Message>Neargate does not implement iam DeletePolicy yet`},
		{"query: missing", form("Action=CreateRole&Version=2010-05-08"), 400, `<Code>ValidationError</Code><Message>2 validation errors detected: `},
		{"query: not a number", form("Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument={}&MaxSessionDuration=x"), 400, `<Code>MalformedInput</Code>`},
		{"query: too long", form("Action=CreateRole&Version=2010-05-08&AssumeRolePolicyDocument={}&RoleName=" + strings.Repeat("r", 65)), 400, `Member must have length less than or equal to 64`},
		{"query: deep", form("Action=CreateRole&Version=2010-05-08&" + strings.Repeat("a.", 10_000) + "b=1"), 413, `<Code>RequestEntityTooLargeException</Code><Message>Request size exceeds the limit: a parameter of more than 128 parts`},
		{"query: many", form("Action=CreateRole&Version=2010-05-08&" + strings.Repeat("a=&", 20_001)), 413, `<Message>Request size exceeds the limit: more than 20000 parameters`},
		{"query: 10 MB", form("Action=CreateRole&Version=2010-05-08&RoleName=" + strings.Repeat("r", 10<<20)), 413, `RequestEntityTooLarge`},
		{"query: control characters come back as XML", form("Action=DeleteRole&Version=2010-05-08&RoleName=a%00%3C"), 400, `&lt;`},

		{"ec2: unknown action", form("Action=MakeCoffee&Version=2016-11-15"), 400, `<Code>InvalidAction</Code><Message>The action MakeCoffee is not valid for this web service.`},
		{"ec2: unbound action", form("Action=RunInstances&Version=2016-11-15"), 501, `<Errors><Error><Code>NotImplemented</Code>`},
		{"ec2: missing", form("Action=DeleteVpc&Version=2016-11-15"), 400, `<Code>MissingParameter</Code><Message>The request must contain the parameter vpcId`},
		{"ec2: unknown parameter", form("Action=DeleteVpc&Version=2016-11-15&VpcId=v&Colour=red"), 400, `<Code>UnknownParameter</Code><Message>The parameter Colour is not recognized`},
		{"ec2: unknown nested parameter", form("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Nmae=x"), 400, `The parameter Filter.1.Nmae is not recognized`},
		{"ec2: not a number", form("Action=DescribeVpcs&Version=2016-11-15&MaxResults=many"), 400, `<Code>InvalidParameterValue</Code>`},
		{"ec2: out of range", form("Action=DescribeVpcs&Version=2016-11-15&MaxResults=4"), 400, `Expecting a value greater than 5.`},
		{"ec2: not an enum value", form("Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16&InstanceTenancy=x"), 400, `Value (x) for parameter instanceTenancy is invalid.`},

		{"rest: an unknown service of XML", sent{method: http.MethodGet, path: "/bucket/key", header: map[string]string{
			"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "X-Amz-Date": "20260801T120000Z",
			"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260801/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00",
		}}, 501, `<Code>NotImplemented</Code><Message>Neargate does not implement s3 GET /bucket/key yet`},
		{"rest: an unknown service", signed("lambda", http.MethodGet, "/2015-03-31/functions", nil), 501, `"message":"Neargate does not implement lambda GET /2015-03-31/functions yet"`},
		{"rest: Route 53", signed("route53", http.MethodGet, "/2013-04-01/hostedzone", nil), 501, `<Code>NotImplemented</Code><Message>Neargate does not implement route53 GET /2013-04-01/hostedzone yet`},
		{"rest: CloudFront", signed("cloudfront", http.MethodGet, "/2020-05-31/distribution", nil), 501, `<Code>NotImplemented</Code>`},
		{"rest: SES, version 2", signed("ses", http.MethodGet, "/v2/email/identities", nil), 501, `"message":"Neargate does not implement ses GET /v2/email/identities yet"`},
		{"query: an unknown service", signed("sns", http.MethodPost, "/", nil), 501, `<Code>NotImplemented</Code><Message>Neargate does not implement sns POST / yet`},
		{"query: an unknown service's form", signed("sns", http.MethodPost, "/?Action=ListTopics&Version=2010-03-31", nil), 501, `<Message>Neargate does not implement sns ListTopics yet`},
		{"query: not a form", signed("elasticloadbalancing", http.MethodPost, "/", map[string]string{"Content-Type": "application/json"}), 400, `<Code>MissingAction</Code><Message>The request is missing an action: elasticloadbalancing expects parameters in a body of Content-Type application/x-www-form-urlencoded, or in the query string. The Content-Type is application/json.`},
		{"query: no content type", signed("elasticloadbalancing", http.MethodPost, "/", nil), 400, `The Content-Type is absent.`},
		{"query: Classic Load Balancers", signed("elasticloadbalancing", http.MethodPost, "/?Action=DescribeLoadBalancers&Version=2012-06-01", nil), 501, `<Code>NotImplemented</Code><Message>Neargate does not implement Classic Load Balancers (elasticloadbalancing 2012-06-01 DescribeLoadBalancers) yet`},
		{"query: Classic Load Balancers, unsigned", form("Action=CreateLoadBalancerPolicy&Version=2012-06-01"), 501, `Classic Load Balancers`},
		{"ec2: not a form", signed("ec2", http.MethodPost, "/", nil), 400, `<Errors><Error><Code>MissingAction</Code>`},
		{"json: no target", signed("ecs", http.MethodPost, "/", nil), 404, `ecs expects it in the header X-Amz-Target.`},
		{"rest: nothing there", sent{method: http.MethodGet, path: "/nothing"}, 404, `UnknownOperationException`},
		{"cbor: wrong protocol", sent{path: "/service/x/operation/y", header: map[string]string{"Smithy-Protocol": "rpc-v9"}}, 400, `UnknownOperationException`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, body := tt.sent.do(t, address)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d %.600s\nwant %d %s", status, body, tt.status, tt.want)
			}
			if header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestGoodInput(t *testing.T) {
	address := serve(t, nil)
	for _, tt := range []struct {
		name string
		sent sent
		want string
	}{
		{"json 1.0", func() sent {
			s := ecs("CreateCluster", `{}`)
			s.header["Content-Type"] = "application/x-amz-json-1.0"
			return s
		}(), `"status":"ACTIVE"`},
		{"null and unknown members", ecs("CreateCluster", `{"tags":null,"shade":{"x":[1,2,{"y":null}]},"capacityProviders":[null,"\u00e9\ud83d\ude00"]}`), `"capacityProviders":["é😀"]`},
		{"integer as 2.0", ecs("ListClusters", `{"maxResults":2.0}`), `"clusterArns":["a","b"]`},
		{"gzip", compressed(t, ecs("CreateCluster", ""), `{"clusterName":"z"}`), `"clusterName":"z"`},
		{"query as GET", sent{method: http.MethodGet, path: "/?Action=GetCallerIdentity&Version=2011-06-15"}, `<GetCallerIdentityResult><UserId>us-east-1</UserId><Account>000000000000</Account>`},
		{"list items out of order", form("Action=DescribeVpcs&Version=2016-11-15&VpcId.10=c&VpcId.2=b&VpcId.1=a"), `<item><vpcId>a</vpcId></item><item><vpcId>b</vpcId></item><item><vpcId>c</vpcId></item>`},
		{"operation without output", form("Action=DeleteVpc&Version=2016-11-15&VpcId=v"), `<return>true</return>`},
		{"older version of ec2", form("Action=DeleteVpc&Version=2014-10-01&VpcId=v"), ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "older version of ec2" {
				tt.sent.header["Authorization"] = "AWS4-HMAC-SHA256 Credential=test/20260801/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00"
				tt.sent.header["X-Amz-Date"] = "20260801T000000Z"
			}
			status, _, body := tt.sent.do(t, address)
			if status != http.StatusOK || !strings.Contains(body, tt.want) {
				t.Errorf("%d %s\nwant %s", status, body, tt.want)
			}
		})
	}
}
