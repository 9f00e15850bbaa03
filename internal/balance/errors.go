package balance

import "github.com/neargate/neargate/internal/aws/awserr"

// Errors as Elastic Load Balancing names them: Elastic Load Balancing API Reference (2015-12-01).
var (
	ErrLoadBalancerNotFound = class("LoadBalancerNotFound")
	ErrListenerNotFound     = class("ListenerNotFound")
	ErrRuleNotFound         = class("RuleNotFound")
	ErrTargetGroupNotFound  = class("TargetGroupNotFound")
	ErrSubnetNotFound       = class("SubnetNotFound")
	ErrAllocationNotFound   = class("AllocationIdNotFound")
	ErrCertificateNotFound  = class("CertificateNotFound")
	ErrTrustStoreNotFound   = class("TrustStoreNotFound")
	ErrRevocationNotFound   = class("RevocationIdNotFound")
	ErrAssociationNotFound  = class("AssociationNotFound")

	ErrDuplicateLoadBalancer = class("DuplicateLoadBalancerName")
	ErrDuplicateTargetGroup  = class("DuplicateTargetGroupName")
	ErrDuplicateListener     = class("DuplicateListener")
	ErrDuplicateTrustStore   = class("DuplicateTrustStoreName")
	ErrPriorityInUse         = class("PriorityInUse")
	ErrResourceInUse         = class("ResourceInUse")
	ErrTrustStoreInUse       = class("TrustStoreInUse")
	ErrNotPermitted          = class("OperationNotPermitted")

	ErrInvalidSubnet        = class("InvalidSubnet")
	ErrInvalidConfiguration = class("InvalidConfigurationRequest")
	ErrInvalidAction        = class("InvalidLoadBalancerAction")
	ErrIncompatible         = class("IncompatibleProtocols")
	ErrInvalidTarget        = class("InvalidTarget")
	ErrAssociationLimit     = class("TargetGroupAssociationLimit")
	ErrValidation           = class("ValidationError")

	ErrTooManyLoadBalancers = class("TooManyLoadBalancers")
	ErrTooManyListeners     = class("TooManyListeners")
	ErrTooManyRules         = class("TooManyRules")
	ErrTooManyTargetGroups  = class("TooManyTargetGroups")
	ErrTooManyTargets       = class("TooManyTargets")
	ErrTooManyGroups        = class("TooManyUniqueTargetGroupsPerLoadBalancer")
	ErrTooManyCertificates  = class("TooManyCertificates")
	ErrTooManyTrustStores   = class("TooManyTrustStores")
	ErrTooManyRevocations   = class("TooManyTrustStoreRevocationEntries")
	ErrTooManyTags          = class("TooManyTags")
	ErrDuplicateTagKeys     = class("DuplicateTagKeys")
)

func class(code string) *awserr.Class { return &awserr.Class{Code: code, Status: 400} }
