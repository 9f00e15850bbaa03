package ecs

import (
	"encoding/json"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
)

// The longest task definition and the longest overrides, as JSON, in bytes. AWS: "Amazon ECS service quotas" and RunTask's overrides.
const (
	maxDefinition = 64 << 10
	maxOverrides  = 8192
)

// checkSize refuses a task definition that AWS would not keep.
func checkSize(shape *ecsapi.TaskDefinition) error {
	n, err := jsonSize(shape)
	if err == nil && n > maxDefinition {
		err = ecsapi.ErrClientException.New("Actual length: '%d'. Max allowed length is '%d' bytes.", n, maxDefinition)
	}
	return err
}

func checkOverrides(o *ecsapi.TaskOverride) error {
	if o == nil {
		return nil
	}
	n, err := jsonSize(o)
	if err == nil && n > maxOverrides {
		err = invalid("Container Overrides length must be at most %d", maxOverrides)
	}
	return err
}

func jsonSize(v any) (int, error) {
	b, err := json.Marshal(v)
	return len(b), err
}

// checkRoles refuses ARNs that are not of an IAM role of the account; a role's short name will do.
func checkRoles(account string, roles ...*string) error {
	for _, role := range roles {
		if !arn.Is(aws.Val(role)) {
			continue
		}
		a, err := arn.Parse(*role)
		if err != nil || a.Service != "iam" || a.Account != account || a.Kind() != "role" {
			return ecsapi.ErrClientException.New("Role is not valid")
		}
	}
	return nil
}
