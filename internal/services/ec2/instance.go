package ec2

import (
	"context"
	"slices"
	"strings"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/network"
)

// noInstance is the answer to whatever names an instance.
func noInstance(ids ...string) *awserr.Error {
	if len(ids) > 1 {
		return network.ErrInstanceNotFound.New("The instance IDs '%s' do not exist", strings.Join(ids, ", "))
	}
	return network.ErrInstanceNotFound.New("The instance ID '%s' does not exist", ids[0])
}

// instanceFilters are the names that DescribeInstances documents, apart from those of groups of names.
const instanceFilters = `affinity architecture availability-zone availability-zone-id boot-mode capacity-reservation-id client-token
 current-instance-boot-mode dns-name ebs-optimized ena-support enclave-options.enabled hibernation-options.configured host-id hypervisor
 iam-instance-profile.arn iam-instance-profile.id iam-instance-profile.name image-id instance-id instance-lifecycle instance-state-code
 instance-state-name instance-type instance.group-id instance.group-name ip-address ipv6-address kernel-id key-name launch-index launch-time
 maintenance-options.auto-recovery monitoring-state network-performance-options.bandwidth-weighting operator.managed operator.principal
 outpost-arn owner-id placement-group-name placement-partition-number platform platform-details private-dns-name private-ip-address
 product-code product-code.type ramdisk-id reason requester-id reservation-id root-device-name root-device-type source-dest-check
 spot-instance-request-id state-reason-code state-reason-message subnet-id tenancy tpm-support usage-operation usage-operation-update-time
 virtualization-type vpc-id`

// instanceFilterGroups are what the other names begin with.
var instanceFilterGroups = []string{
	"block-device-mapping.", "capacity-reservation-specification.", "metadata-options.", "network-interface.", "private-dns-name-options.",
}

func instanceFilter(name string) bool {
	for _, group := range instanceFilterGroups {
		if strings.HasPrefix(name, group) {
			return true
		}
	}
	return tagFilter(name) || slices.Contains(strings.Fields(instanceFilters), name)
}

// DescribeInstances finds none.
func (s *Service) DescribeInstances(_ context.Context, in *ec2api.DescribeInstancesInput) (*ec2api.DescribeInstancesOutput, error) {
	if aws.Val(in.DryRun) {
		return nil, errDryRun
	}
	for _, f := range in.Filters {
		if name := aws.Val(f.Name); !instanceFilter(name) {
			return nil, invalid("The filter '%s' is invalid", name)
		}
	}
	if len(in.InstanceIds) > 0 {
		return nil, noInstance(in.InstanceIds...)
	}
	return &ec2api.DescribeInstancesOutput{Reservations: []ec2api.Reservation{}}, nil
}
