package network

import (
	"github.com/neargate/neargate/internal/aws/awserr"
)

// Errors as EC2 words them: EC2 API Reference, "Error codes for the Amazon EC2 API".
var (
	ErrVPCNotFound             = class("InvalidVpcID.NotFound")
	ErrSubnetNotFound          = class("InvalidSubnetID.NotFound")
	ErrRouteTableNotFound      = class("InvalidRouteTableID.NotFound")
	ErrAssociationNotFound     = class("InvalidAssociationID.NotFound")
	ErrInternetGatewayNotFound = class("InvalidInternetGatewayID.NotFound")
	ErrGatewayNotFound         = class("InvalidGatewayID.NotFound")
	ErrNatGatewayNotFound      = class("NatGatewayNotFound")
	ErrRouteNatNotFound        = class("InvalidNatGatewayID.NotFound")
	ErrAllocationNotFound      = class("InvalidAllocationID.NotFound")
	ErrInterfaceNotFound       = class("InvalidNetworkInterfaceID.NotFound")
	ErrGroupNotFound           = class("InvalidGroup.NotFound")
	ErrRuleNotFound            = class("InvalidSecurityGroupRuleId.NotFound")
	ErrPrefixListNotFound      = class("InvalidPrefixListID.NotFound")
	ErrDHCPOptionsNotFound     = class("InvalidDhcpOptionID.NotFound")
	ErrACLNotFound             = class("InvalidNetworkAclID.NotFound")
	ErrAddressNotFound         = class("InvalidAddress.NotFound")
	ErrInstanceNotFound        = class("InvalidInstanceID.NotFound")
	ErrNoDefaultVPC            = class("VPCIdNotSpecified")
	ErrAttachmentNotFound      = class("InvalidAttachmentID.NotFound")

	ErrDependency     = class("DependencyViolation")
	ErrInvalid        = class("InvalidParameterValue")
	ErrMissing        = class("MissingParameter")
	ErrCombination    = class("InvalidParameterCombination")
	ErrNotPermitted   = class("OperationNotPermitted")
	ErrAuthFailure    = class("AuthFailure")
	ErrNoFreeAddress  = class("InsufficientFreeAddressesInSubnet")
	ErrAddressInUse   = class("InvalidIPAddress.InUse")
	ErrAssociated     = class("Resource.AlreadyAssociated")
	ErrNotAttached    = class("Gateway.NotAttached")
	ErrDuplicateGroup = class("InvalidGroup.Duplicate")
	ErrDuplicateRule  = class("InvalidPermission.Duplicate")
	ErrNoSuchRule     = class("InvalidPermission.NotFound")
	ErrCannotDelete   = class("CannotDelete")
)

func class(code string) *awserr.Class { return &awserr.Class{Code: code, Status: 400} }

// notYours is the answer to whoever touches what another service manages for him.
func notYours() error {
	return ErrAuthFailure.New("You do not have permission to access the specified resource.")
}
