package ecs

import (
	"context"
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// newTags checks the tags a resource is created with.
func newTags(in []ecsapi.Tag) ([]ecsapi.Tag, error) { return mergeTags(nil, in) }

// mergeTags is old with given over it, in the order in which they came: tasks and services show theirs so. Tags of AWS's own
// do not count towards the limit.
func mergeTags(old, given []ecsapi.Tag) ([]ecsapi.Tag, error) {
	out := slices.Clone(old)
	seen := map[string]bool{}
	for _, t := range given {
		key := aws.Val(t.Key)
		if key == "" {
			return nil, ecsapi.ErrInvalidParameterException.New("Tag key cannot be null or empty.")
		}
		if tags.Reserved(key) {
			return nil, ecsapi.ErrInvalidParameterException.New("Tags can not be added with aws: prefix. aws: prefix is reserved for AWS use.")
		}
		if seen[key] {
			return nil, ecsapi.ErrInvalidParameterException.New("Duplicate tag keys found. Tag keys must be unique for each resource.")
		}
		seen[key] = true
		tag := ecsapi.Tag{Key: t.Key, Value: new(aws.Val(t.Value))}
		if i := slices.IndexFunc(out, func(o ecsapi.Tag) bool { return aws.Val(o.Key) == key }); i >= 0 {
			out[i] = tag
		} else {
			out = append(out, tag)
		}
	}
	own := 0
	for _, t := range out {
		if !tags.Reserved(aws.Val(t.Key)) {
			own++
		}
	}
	if own > tags.Max {
		return nil, ecsapi.ErrInvalidParameterException.New("The maximum number of tags has been exceeded. A resource can have at most %d tags.", tags.Max)
	}
	return out, nil
}

func withoutTags(old []ecsapi.Tag, keys []string) []ecsapi.Tag {
	return slices.DeleteFunc(slices.Clone(old), func(t ecsapi.Tag) bool { return slices.Contains(keys, aws.Val(t.Key)) })
}

func taskTags(in []ecsapi.Tag) []task.Tag {
	var out []task.Tag
	for _, t := range in {
		out = append(out, task.Tag{Key: aws.Val(t.Key), Value: aws.Val(t.Value)})
	}
	return out
}

func tagShapes(in []task.Tag) []ecsapi.Tag {
	out := []ecsapi.Tag{}
	for _, t := range in {
		out = append(out, ecsapi.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out
}

// TagResource adds tags to a cluster, service, task or task definition.
func (s *Service) TagResource(ctx context.Context, in *ecsapi.TagResourceInput) (*ecsapi.TagResourceOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.TagResourceOutput, error) {
		r, err := s.tagged(tx, scopeOf(call), *in.ResourceArn)
		if err != nil {
			return nil, err
		}
		merged, err := mergeTags(r.tags, in.Tags)
		if err != nil {
			return nil, err
		}
		return nil, r.put(merged)
	})
}

// UntagResource takes tags off.
func (s *Service) UntagResource(ctx context.Context, in *ecsapi.UntagResourceInput) (*ecsapi.UntagResourceOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.UntagResourceOutput, error) {
		r, err := s.tagged(tx, scopeOf(call), *in.ResourceArn)
		if err != nil {
			return nil, err
		}
		return nil, r.put(withoutTags(r.tags, in.TagKeys))
	})
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecsapi.ListTagsForResourceInput) (*ecsapi.ListTagsForResourceOutput, error) {
	r, err := s.tagged(s.Store.View(), scopeOf(aws.From(ctx)), *in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTagsForResourceOutput{Tags: nonNil(r.tags)}, nil
}

// tagged is something that has tags.
type tagged struct {
	tags []ecsapi.Tag
	put  func([]ecsapi.Tag) error
}

// tagged finds what an ARN names. AWS: "TagResource", resourceArn.
func (s *Service) tagged(tx *state.Tx, scope Scope, ref string) (*tagged, error) {
	a, err := arn.Parse(ref)
	if err != nil || a.Service != "ecs" {
		return nil, ecsapi.ErrInvalidParameterException.New("Invalid resource ARN %s", ref)
	}
	if a.Account != scope.Account || a.Region != scope.Region {
		return nil, ecsapi.ErrResourceNotFoundException.New("The specified resource could not be found.")
	}
	switch a.Kind() {
	case "cluster":
		if c, ok := s.Tables.Clusters.Get(tx, ref); ok && c.Status == "ACTIVE" {
			return &tagged{c.Tags, func(tags []ecsapi.Tag) error {
				next := *c
				next.Tags = tags
				s.Tables.Clusters.Put(tx, &next)
				return nil
			}}, nil
		}
		return nil, ecsapi.ErrClusterNotFoundException.New("Cluster not found.")
	case "service":
		if svc, ok := s.Deploy.Services.Get(tx, ref); ok && svc.Status == "ACTIVE" {
			return &tagged{tagShapes(svc.Tags), func(tags []ecsapi.Tag) error {
				next := *svc
				next.Tags = taskTags(tags)
				s.Deploy.Services.Put(tx, &next)
				return nil
			}}, nil
		}
		return nil, ecsapi.ErrServiceNotFoundException.New("Service not found.")
	case "task":
		if t, ok := s.Tasks.Tasks.Get(tx, ref); ok {
			return &tagged{tagShapes(t.Tags), func(tags []ecsapi.Tag) error { return s.Lifecycle.Tag(tx, ref, taskTags(tags)) }}, nil
		}
	case "task-definition":
		if d, ok := s.definition(tx, scope, ref); ok && strings.Contains(a.Resource, ":") {
			return &tagged{d.Tags, func(tags []ecsapi.Tag) error {
				next := *d
				next.Tags = tags
				s.Tables.Definitions.Put(tx, &next)
				return nil
			}}, nil
		}
	default:
		return nil, ecsapi.ErrInvalidParameterException.New("Invalid resource ARN %s", ref)
	}
	return nil, ecsapi.ErrResourceNotFoundException.New("The specified resource could not be found.")
}
