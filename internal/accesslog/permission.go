package accesslog

import (
	"strings"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// Principals that Application and Network Load Balancers write logs as. For the former, older policies name an account instead.
const (
	servicePrincipal  = "logdelivery.elasticloadbalancing.amazonaws.com"
	deliveryPrincipal = "delivery.logs.amazonaws.com"
)

// accounts are Elastic Load Balancing's own in the Regions available before August 2022 ("Enable access logs for your Application
// Load Balancer").
var accounts = map[string]string{
	"us-east-1": "127311923021", "us-east-2": "033677994240", "us-west-1": "027434742980", "us-west-2": "797873946194",
	"af-south-1": "098369216593", "ap-east-1": "754344448648", "ap-southeast-3": "589379963580", "ap-south-1": "718504428378",
	"ap-northeast-3": "383597477331", "ap-northeast-2": "600734575887", "ap-southeast-1": "114774131450", "ap-southeast-2": "783225319266",
	"ap-northeast-1": "582318560864", "ca-central-1": "985666609251", "eu-central-1": "054676820928", "eu-west-1": "156460612806",
	"eu-west-2": "652711504416", "eu-south-1": "635631232127", "eu-west-3": "009996457667", "eu-north-1": "897822967062",
	"me-south-1": "076674570225", "sa-east-1": "507241528517",
}

// Permission tells whether logs can be written into a bucket.
type Permission struct{ Buckets *state.Table[object.Bucket] }

// Check is what ModifyLoadBalancerAttributes asks before it enables a log. The error is for its caller.
func (p Permission) Check(tx *state.Tx, loadBalancerARN, bucket, prefix string) error {
	b, ok := p.Buckets.Get(tx, bucket)
	if !ok {
		return balance.ErrInvalidConfiguration.New("The S3 bucket '%s' does not exist", bucket)
	}
	of, err := edgeapi.NewLogFile(edgeapi.LogAccess, loadBalancerARN, noNode)
	if err != nil {
		return err
	}
	switch {
	case strings.Contains(prefix, "AWSLogs"):
		return balance.ErrInvalidConfiguration.New("The prefix '%s' must not contain 'AWSLogs'", prefix)
	case b.Region != of.Region:
		return balance.ErrInvalidConfiguration.New("The S3 bucket '%s' is not in the Region '%s' of the load balancer", bucket, of.Region)
	case !writable(b, of, directory(of, prefix)+"/"+testFile(of.Kind)):
		return balance.ErrInvalidConfiguration.New("Access Denied for bucket: %s. Please check S3bucket permission", bucket)
	}
	return nil
}

// writable says whether the bucket's policy lets Elastic Load Balancing put an object there.
func writable(b *object.Bucket, of edgeapi.LogFile, key string) bool {
	context := map[string]string{
		"aws:sourcearn": of.ARN(), "aws:sourceaccount": of.Account, "s3:x-amz-acl": "bucket-owner-full-control", "aws:securetransport": "true",
	}
	callers := []policy.Access{{Service: servicePrincipal, Context: context}}
	if account := accounts[of.Region]; account != "" {
		callers = append(callers, policy.Access{Account: account, Principal: "arn:aws:iam::" + account + ":root", Context: context})
	}
	if strings.HasPrefix(of.LoadBalancer, "net/") {
		context["aws:sourcearn"] = "arn:aws:logs:" + of.Region + ":" + of.Account + ":*"
		callers = []policy.Access{{Service: deliveryPrincipal, Context: context}}
	}
	for _, c := range callers {
		c.Action, c.Resource = "s3:PutObject", b.ARN()+"/"+key
		if d, err := policy.Decide(b.Policy, c); err == nil && d == policy.Allow {
			return true
		}
	}
	return false
}
