package gateway

import (
	"net/http"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// spoken is what the clients of APIs that are not served read, by signing name. Those that are not here read JSON. Others than those of
// REST-XML post to / alone: the second API of SES, which is signed as its first, has paths, and JSON.
var spoken = map[string]codec{
	"route53": proto.RESTXML{}, "cloudfront": proto.RESTXML{}, "s3": proto.RESTXML{}, // S3 Control is signed as S3 is

	"elasticloadbalancing": proto.Query{}, "sns": proto.Query{}, "sqs": proto.Query{}, "rds": proto.Query{}, "autoscaling": proto.Query{},
	"cloudformation": proto.Query{}, "elasticache": proto.Query{}, "redshift": proto.Query{}, "ses": proto.Query{},
}

// unbuilt refuses a signed request that is for no API with paths, in the words and the protocol of the API it is for.
func (x *exchange) unbuilt(candidates []*api) error {
	service, sent := x.signature.Service, x.http.Header.Get("Content-Type")
	for _, a := range candidates {
		forms := a.speaks("query") || a.speaks("ec2")
		switch {
		case a.service.TargetPrefix != "" && (!forms || strings.Contains(sent, "json")):
			return awserr.New("UnknownOperationException", http.StatusNotFound, "The request names no operation: %s expects it in the header X-Amz-Target.", service)
		case forms:
			x.service, x.codec = a.service, proto.Query{}
			if a.speaks("ec2") {
				x.codec = proto.EC2Query{}
			}
			if sent == "" {
				sent = "absent"
			}
			return awserr.New("MissingAction", http.StatusBadRequest,
				"The request is missing an action: %s expects parameters in a body of Content-Type application/x-www-form-urlencoded, or in the query string. The Content-Type is %s.",
				service, sent)
		}
	}
	if c, ok := spoken[service]; ok {
		if _, query := c.(proto.Query); !query || x.path == "/" {
			x.codec = c
		}
	}
	return awserr.NotImplemented(service + " " + x.http.Method + " " + x.path)
}

// isClassic says whether a form is for Classic Load Balancers: the older version of an API is another API here.
func (x *exchange) isClassic() bool {
	return x.form.Version == "2012-06-01" && (x.signature == nil || x.signature.Service == "elasticloadbalancing")
}

// isControl says whether a request is for S3 Control, whose paths look like those of a bucket.
func (x *exchange) isControl() bool {
	return strings.HasPrefix(x.http.URL.Path, "/v20180820/") && x.http.Header.Get("X-Amz-Account-Id") != ""
}
