package arn

import (
	"fmt"
	"strings"
)

// ARN is arn:partition:service:region:account:resource. Resource keeps whatever colons and slashes it has.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// New writes an ARN of the aws partition.
func New(service, region, account, resource string) string {
	return ARN{"aws", service, region, account, resource}.String()
}

func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Parse reads an ARN. Region and account may be empty, as in S3 and IAM names; the rest may not.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ARN{}, fmt.Errorf("arn %q: not of the form arn:partition:service:region:account:resource", s)
	}
	a := ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, fmt.Errorf("arn %q: partition, service or resource is empty", s)
	}
	return a, nil
}

// Is tells an ARN from a plain name by its prefix.
func Is(s string) bool { return strings.HasPrefix(s, "arn:") }

// Kind is the resource's type, the part before the first slash or colon: "cluster" of "cluster/web". Empty if there is none.
func (a ARN) Kind() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[:i]
	}
	return ""
}

// ID is what follows Kind: "web/1234" of "task/web/1234".
func (a ARN) ID() string {
	if i := strings.IndexAny(a.Resource, "/:"); i >= 0 {
		return a.Resource[i+1:]
	}
	return a.Resource
}
