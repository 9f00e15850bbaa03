package ecr

import (
	"context"
	"regexp"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/registry"
)

var arnForm = regexp.MustCompile(`^arn:aws:ecr:[a-z0-9-]+:[0-9]{12}:repository/(.+)$`)

func nameOf(resource *string) (*string, error) {
	m := arnForm.FindStringSubmatch(*resource)
	if m == nil {
		return nil, ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	return &m[1], nil
}

// tagRules: a key named twice is no error.
var tagRules = tags.Rules{
	Check: func(key, value string) error {
		if tags.Reserved(key) || len(key) == 0 || len(key) > 128 || len(value) > 256 {
			return ecrapi.ErrInvalidTagParameterException.New("Invalid parameter at 'tags' failed to satisfy constraint: 'tag %s'", key)
		}
		return nil
	},
	TooMany: func() error {
		return ecrapi.ErrTooManyTagsException.New("The resource can't have more than %d tags.", tags.Max)
	},
}

// tagged is old with the added tags merged in.
func tagged(old map[string]string, added []ecrapi.Tag) (map[string]string, error) {
	return tagRules.Merge(old, tags.Of(added, func(t ecrapi.Tag) (key, value *string) { return t.Key, t.Value }))
}

// TagResource adds or replaces tags.
func (s *Service) TagResource(ctx context.Context, in *ecrapi.TagResourceInput) (*ecrapi.TagResourceOutput, error) {
	name, err := nameOf(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, nil, name, func(r *registry.Repository) (err error) {
		r.Tags, err = tagged(r.Tags, in.Tags)
		return err
	})
	return &ecrapi.TagResourceOutput{}, err
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *ecrapi.UntagResourceInput) (*ecrapi.UntagResourceOutput, error) {
	name, err := nameOf(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, nil, name, func(r *registry.Repository) error {
		r.Tags = tags.Without(r.Tags, in.TagKeys)
		return nil
	})
	return &ecrapi.UntagResourceOutput{}, err
}

// ListTagsForResource reads tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecrapi.ListTagsForResourceInput) (*ecrapi.ListTagsForResourceOutput, error) {
	name, err := nameOf(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := s.find(ctx, s.store.View(), nil, name)
	if err != nil {
		return nil, err
	}
	list := tags.List(r.Tags, func(key, value *string) ecrapi.Tag { return ecrapi.Tag{Key: key, Value: value} })
	return &ecrapi.ListTagsForResourceOutput{Tags: append([]ecrapi.Tag{}, list...)}, nil
}
