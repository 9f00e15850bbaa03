package logs

import (
	"context"
	"maps"
	"strings"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/logs"
)

const maxTags = 50

func tag(tags, added map[string]string) (map[string]string, error) {
	out := map[string]string{}
	maps.Copy(out, tags)
	for k, v := range added {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return nil, logsapi.ErrInvalidParameterException.New("Tag keys with the prefix aws: are reserved: %s", k)
		}
		out[k] = v
	}
	if len(out) > maxTags {
		return nil, logsapi.ErrTooManyTagsException.New("A resource can have no more than 50 tags.")
	}
	return out, nil
}

func untag(tags map[string]string, keys []string) map[string]string {
	out := maps.Clone(tags)
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// resource is the log group an ARN names: the one kind of resource with tags here.
func resource(arn *string) *string { return new(groupName(*arn)) }

// TagResource adds or replaces tags.
func (s *Service) TagResource(ctx context.Context, in *logsapi.TagResourceInput) (*logsapi.TagResourceOutput, error) {
	return change[logsapi.TagResourceOutput](ctx, s, resource(in.ResourceArn), func(g *logs.Group) (err error) {
		g.Tags, err = tag(g.Tags, in.Tags)
		return err
	})
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *logsapi.UntagResourceInput) (*logsapi.UntagResourceOutput, error) {
	return change[logsapi.UntagResourceOutput](ctx, s, resource(in.ResourceArn), func(g *logs.Group) error {
		g.Tags = untag(g.Tags, in.TagKeys)
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
		g.Tags, err = tag(g.Tags, in.Tags)
		return err
	})
}

// UntagLogGroup is the older UntagResource.
func (s *Service) UntagLogGroup(ctx context.Context, in *logsapi.UntagLogGroupInput) (*logsapi.UntagLogGroupOutput, error) {
	return change[logsapi.UntagLogGroupOutput](ctx, s, in.LogGroupName, func(g *logs.Group) error {
		g.Tags = untag(g.Tags, in.Tags)
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

func shown(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}
