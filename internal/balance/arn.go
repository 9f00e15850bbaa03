package balance

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/network"
)

const service = "elasticloadbalancing"

func arnOf(s network.Scope, resource string) string {
	return arn.New(service, s.Region, s.Account, resource)
}

// listenerARN and ruleARN extend the load balancer's and the listener's ARN as AWS does:
// loadbalancer/app/web/ID → listener/app/web/ID/ID → listener-rule/app/web/ID/ID/ID.
func listenerARN(loadBalancer, id string) string {
	return strings.Replace(loadBalancer, ":loadbalancer/", ":listener/", 1) + "/" + id
}

func ruleARN(listener, id string) string {
	return strings.Replace(listener, ":listener/", ":listener-rule/", 1) + "/" + id
}
