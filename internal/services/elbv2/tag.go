package elbv2

import (
	"context"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// maxTagged is how many resources one request may name.
const maxTagged = 20

// tagRules have no limit: it is of a resource and not of a request, so balance counts.
var tagRules = tags.Rules{
	Check: func(key, _ string) error {
		if tags.Reserved(key) {
			return invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		return nil
	},
	Twice: func(key string) error {
		return balance.ErrDuplicateTagKeys.New("Tag key was specified more than once: %s", key)
	},
}

// tagsOf checks tags that a request brings.
func tagsOf(in []elbv2api.Tag) (map[string]string, error) {
	return tagRules.Merge(nil, tags.Of(in, func(t elbv2api.Tag) (key, value *string) { return t.Key, t.Value }))
}

// AddTags adds tags to resources.
func (s *Service) AddTags(ctx context.Context, in *elbv2api.AddTagsInput) (*elbv2api.AddTagsOutput, error) {
	given, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.AddTagsOutput, error) {
		if err := s.checkTagged(tx, scope, in.ResourceArns); err != nil {
			return nil, err
		}
		for _, arn := range in.ResourceArns {
			if err := s.balance.SetTags(tx, arn, given); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}

// RemoveTags removes tags from resources.
func (s *Service) RemoveTags(ctx context.Context, in *elbv2api.RemoveTagsInput) (*elbv2api.RemoveTagsOutput, error) {
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.RemoveTagsOutput, error) {
		if err := s.checkTagged(tx, scope, in.ResourceArns); err != nil {
			return nil, err
		}
		for _, arn := range in.ResourceArns {
			s.balance.RemoveTags(tx, arn, in.TagKeys)
		}
		return nil, nil
	})
}

// DescribeTags lists the tags of resources.
func (s *Service) DescribeTags(ctx context.Context, in *elbv2api.DescribeTagsInput) (*elbv2api.DescribeTagsOutput, error) {
	tx, scope := s.view(ctx)
	if err := s.checkTagged(tx, scope, in.ResourceArns); err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTagsOutput{}
	for _, arn := range in.ResourceArns {
		list := tags.List(s.balance.TagsOf(tx, arn), func(key, value *string) elbv2api.Tag { return elbv2api.Tag{Key: key, Value: value} })
		out.TagDescriptions = append(out.TagDescriptions,
			elbv2api.TagDescription{ResourceArn: new(arn), Tags: append([]elbv2api.Tag{}, list...)})
	}
	return out, nil
}

// checkTagged is whether all resources are there.
func (s *Service) checkTagged(tx *state.Tx, scope network.Scope, arns []string) error {
	if len(arns) > maxTagged {
		return invalid("The maximum number of resources per request is '%d'", maxTagged)
	}
	for _, arn := range arns {
		var err error
		switch kindOf(arn) {
		case "loadbalancer":
			_, err = s.balance.LoadBalancer(tx, scope, arn)
		case "listener":
			_, err = s.balance.Listener(tx, scope, arn)
		case "listener-rule":
			_, err = s.balance.Rule(tx, scope, arn)
		case "targetgroup":
			_, err = s.balance.TargetGroup(tx, scope, arn)
		case "truststore":
			_, err = s.balance.TrustStore(tx, scope, arn)
		default:
			err = invalid("'%s' is not a valid load balancer, target group, listener, listener rule or trust store ARN", arn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
