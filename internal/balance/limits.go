package balance

// Quotas of an account in a region: Elastic Load Balancing, "Quotas for your Application Load Balancers" and "Quotas for your Network Load
// Balancers".
const (
	MaxLoadBalancers             = 50      // of each type
	MaxListeners                 = 50      // of a load balancer
	MaxRules                     = 100     // of a load balancer, not counting default rules
	MaxTargetGroups              = 3000    // of a region
	MaxTargets                   = 1000    // of a target group
	MaxTargetsPerLoadBalancer    = 1000    // registered in all target groups of an Application Load Balancer
	MaxTargetsPerNetwork         = 3000    // of a Network Load Balancer
	MaxTargetsPerZone            = 500     // of a Network Load Balancer in a zone, unless it crosses zones: then of all zones
	MaxGroupsPerLoadBalancer     = 100     // target groups
	MaxGroupsPerAction           = 5       // target groups
	MaxConditionValues           = 5       // of a rule
	MaxWildcards                 = 5       // of a rule
	MaxTags                      = 50      // of a resource
	MaxCertificates              = 25      // of a load balancer, not counting default certificates
	MaxTrustStores               = 20      // of a region
	MaxVerifiers                 = 2       // listeners of a load balancer that verify client certificates
	MaxAuthorities               = 25      // certificates of a trust store
	MaxRevocationLists           = 30      // of a trust store
	MaxRevocationEntries         = 500_000 // of a trust store
	MaxRevocationOctets          = 1 << 27 // of all lists of the platform: each snapshot has those in use, and edge takes no larger ones than 512 MB
	minFreeAddresses             = 8       // of a subnet, when a load balancer comes into it
	maxSecurityGroupsPerBalancer = 5
)
