package balance

// Quotas of an account in a region: Elastic Load Balancing User Guide, "Quotas for your Application Load Balancers".
const (
	MaxLoadBalancers             = 50
	MaxListeners                 = 50   // of a load balancer
	MaxRules                     = 100  // of a load balancer, not counting default rules
	MaxTargetGroups              = 3000 // of a region
	MaxTargets                   = 1000 // of a target group
	MaxTargetsPerLoadBalancer    = 1000 // registered in all of its target groups
	MaxGroupsPerLoadBalancer     = 100  // target groups
	MaxGroupsPerAction           = 5    // target groups
	MaxConditionValues           = 5    // of a rule
	MaxWildcards                 = 6    // of a rule
	MaxTags                      = 50   // of a resource
	MaxCertificates              = 25
	minFreeAddresses             = 8 // of a subnet, when a load balancer comes into it
	maxSecurityGroupsPerBalancer = 5
)
