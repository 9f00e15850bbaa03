package logs

import (
	"context"
	"maps"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/logs"
)

// tagRules: a key named twice is no error, since tags are a map.
var tagRules = tags.Rules{
	Check: func(key, _ string) error {
		if tags.Reserved(key) {
			return logsapi.ErrInvalidParameterException.New("Tag keys with the prefix aws: are reserved: %s", key)
		}
		return nil
	},
	TooMany: func() error {
		return logsapi.ErrTooManyTagsException.New("A resource can have no more than %d tags.", tags.Max)
	},
}

// resource is the log group an ARN names: the one kind of resource with tags here.
func resource(arn *string) *string { return new(groupName(*arn)) }

// TagResource adds or replaces tags.
func (s *Service) TagResource(ctx context.Context, in *logsapi.TagResourceInput) (*logsapi.TagResourceOutput, error) {
	return change[logsapi.TagResourceOutput](ctx, s, resource(in.ResourceArn), func(g *logs.Group) (err error) {
		g.Tags, err = tagRules.Merge(g.Tags, maps.All(in.Tags))
		return err
	})
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *logsapi.UntagResourceInput) (*logsapi.UntagResourceOutput, error) {
	return change[logsapi.UntagResourceOutput](ctx, s, resource(in.ResourceArn), func(g *logs.Group) error {
		g.Tags = tags.Without(g.Tags, in.TagKeys)
		return nil
	})
}

// ListTagsForResource reads tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *logsapi.ListTagsForResourceInput) (*logsapi.ListTagsForResourceOutput, error) {
	g, err := s.group(ctx, s.store.View(), resource(in.ResourceArn), nil)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsForResourceOutput{Tags: shown(g.Tags)}, nil
}

// TagLogGroup is the older TagResource.
func (s *Service) TagLogGroup(ctx context.Context, in *logsapi.TagLogGroupInput) (*logsapi.TagLogGroupOutput, error) {
	return change[logsapi.TagLogGroupOutput](ctx, s, in.LogGroupName, func(g *logs.Group) (err error) {
		g.Tags, err = tagRules.Merge(g.Tags, maps.All(in.Tags))
		return err
	})
}

// UntagLogGroup is the older UntagResource.
func (s *Service) UntagLogGroup(ctx context.Context, in *logsapi.UntagLogGroupInput) (*logsapi.UntagLogGroupOutput, error) {
	return change[logsapi.UntagLogGroupOutput](ctx, s, in.LogGroupName, func(g *logs.Group) error {
		g.Tags = tags.Without(g.Tags, in.Tags)
		return nil
	})
}

// ListTagsLogGroup is the older ListTagsForResource.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *logsapi.ListTagsLogGroupInput) (*logsapi.ListTagsLogGroupOutput, error) {
	g, err := s.group(ctx, s.store.View(), in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsLogGroupOutput{Tags: shown(g.Tags)}, nil
}

func shown(all map[string]string) map[string]string {
	if all == nil {
		return map[string]string{}
	}
	return all
}
