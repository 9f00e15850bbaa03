package ecs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// RegisterTaskDefinition adds a revision to a family.
func (s *Service) RegisterTaskDefinition(ctx context.Context, in *ecsapi.RegisterTaskDefinitionInput) (*ecsapi.RegisterTaskDefinitionOutput, error) {
	shape, err := shapeOf(in)
	if err != nil {
		return nil, err
	}
	definition, err := definitionOf(shape)
	if err != nil {
		return nil, err
	}
	if err := definition.Check(); err != nil {
		return nil, err
	}
	if err := checkRoles(aws.From(ctx).Account, in.TaskRoleArn, in.ExecutionRoleArn); err != nil {
		return nil, err
	}
	if err := checkSize(shape); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	shape.Compatibilities = definition.Launchable()
	shape.RequiresAttributes = requiredAttributes(definition)
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.RegisterTaskDefinitionOutput, error) {
		scope := scopeOf(call)
		family := Family{Scope: scope, Name: *shape.Family}
		if f, ok := s.Tables.Families.Get(tx, scope.familyKey(family.Name)); ok {
			family = *f
		}
		family.Last++
		family.Active = family.Last
		s.Tables.Families.Put(tx, &family)

		row := &TaskDefinition{Scope: scope, Family: family.Name, Revision: family.Last, Shape: *shape, Tags: tags}
		row.Shape.TaskDefinitionArn = new(scope.arn(fmt.Sprintf("task-definition/%s:%d", row.Family, row.Revision)))
		row.Shape.Revision = new(int32(row.Revision))
		row.Shape.Status = new(ecsapi.TaskDefinitionStatusActive)
		row.Shape.RegisteredAt = new(stamp(call.Now))
		row.Shape.RegisteredBy = text(call.Principal)
		s.Tables.Definitions.Put(tx, row)
		return &ecsapi.RegisterTaskDefinitionOutput{TaskDefinition: &row.Shape, Tags: tags}, nil
	})
}

// DescribeTaskDefinition describes a revision, by family the newest ACTIVE one.
func (s *Service) DescribeTaskDefinition(ctx context.Context, in *ecsapi.DescribeTaskDefinitionInput) (*ecsapi.DescribeTaskDefinitionOutput, error) {
	d, ok := s.definition(s.Store.View(), scopeOf(aws.From(ctx)), *in.TaskDefinition)
	if !ok {
		return nil, ecsapi.ErrClientException.New("Unable to describe task definition.")
	}
	out := &ecsapi.DescribeTaskDefinitionOutput{TaskDefinition: &d.Shape}
	if slices.Contains(in.Include, ecsapi.TaskDefinitionFieldTags) {
		out.Tags = nonNil(d.Tags)
	}
	return out, nil
}

// DeregisterTaskDefinition makes a revision INACTIVE: what runs goes on, nothing new starts from it.
func (s *Service) DeregisterTaskDefinition(ctx context.Context, in *ecsapi.DeregisterTaskDefinitionInput) (*ecsapi.DeregisterTaskDefinitionOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.DeregisterTaskDefinitionOutput, error) {
		row, err := s.revision(tx, scopeOf(call), *in.TaskDefinition, "Unable to describe task definition.")
		if err != nil {
			return nil, err
		}
		if aws.Val(row.Shape.Status) == ecsapi.TaskDefinitionStatusActive {
			next := *row
			next.Shape.Status = new(ecsapi.TaskDefinitionStatusInactive)
			next.Shape.DeregisteredAt = new(stamp(call.Now))
			s.Tables.Definitions.Put(tx, &next)
			s.refreshFamily(tx, row.Scope, row.Family)
			row = &next
		}
		return &ecsapi.DeregisterTaskDefinitionOutput{TaskDefinition: &row.Shape}, nil
	})
}

// revision finds a task definition that is named with its revision.
func (s *Service) revision(tx *state.Tx, scope Scope, ref, otherwise string) (*TaskDefinition, error) {
	id, ok := scope.resource(ref, "task-definition")
	if ok && !strings.Contains(id, ":") {
		return nil, ecsapi.ErrClientException.New("Revision is missing.")
	}
	row, ok := s.definition(tx, scope, ref)
	if !ok {
		return nil, ecsapi.ErrClientException.New("%s", otherwise)
	}
	return row, nil
}

// refreshFamily finds the newest ACTIVE revision again.
func (s *Service) refreshFamily(tx *state.Tx, scope Scope, name string) {
	f, ok := s.Tables.Families.Get(tx, scope.familyKey(name))
	if !ok {
		return
	}
	next := *f
	next.Active = 0
	for d := range s.Tables.Definitions.Backward(tx, scope.familyKey(name)) {
		if aws.Val(d.Shape.Status) == ecsapi.TaskDefinitionStatusActive {
			next.Active = d.Revision
			break
		}
	}
	if next != *f {
		s.Tables.Families.Put(tx, &next)
	}
}

// DeleteTaskDefinitions deletes INACTIVE revisions: at once where nothing refers to them any more.
func (s *Service) DeleteTaskDefinitions(ctx context.Context, in *ecsapi.DeleteTaskDefinitionsInput) (*ecsapi.DeleteTaskDefinitionsOutput, error) {
	if len(in.TaskDefinitions) > 10 {
		return nil, ecsapi.ErrInvalidParameterException.New("A maximum of 10 task definitions can be specified.")
	}
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.DeleteTaskDefinitionsOutput, error) {
		out := &ecsapi.DeleteTaskDefinitionsOutput{TaskDefinitions: []ecsapi.TaskDefinition{}, Failures: []ecsapi.Failure{}}
		for _, ref := range in.TaskDefinitions {
			row, err := s.revision(tx, scopeOf(call), ref, "The specified task definition does not exist. Specify a valid account, family, revision and try again.")
			if err != nil {
				return nil, err
			}
			if aws.Val(row.Shape.Status) == ecsapi.TaskDefinitionStatusActive {
				out.Failures = append(out.Failures, ecsapi.Failure{
					Arn:    row.Shape.TaskDefinitionArn,
					Reason: new("The specified task definition is still in ACTIVE status. Please deregister the target and try again."),
				})
				continue
			}
			next := *row
			next.Shape.Status = new(ecsapi.TaskDefinitionStatusDeleteInProgress)
			if next.Shape.DeleteRequestedAt == nil {
				next.Shape.DeleteRequestedAt = new(stamp(call.Now))
			}
			out.TaskDefinitions = append(out.TaskDefinitions, next.Shape)
			if s.referred(tx, *row.Shape.TaskDefinitionArn) {
				s.Tables.Definitions.Put(tx, &next)
			} else {
				s.Tables.Definitions.Delete(tx, row.Scope.definitionKey(row.Family, row.Revision))
			}
		}
		return out, nil
	})
}

// referred is whether a task or a service deployment still uses a task definition.
func (s *Service) referred(tx *state.Tx, definitionARN string) bool {
	for t := range s.Tasks.Tasks.By(tx, task.ByDefinition, definitionARN) {
		if t.Status != task.Stopped {
			return true
		}
	}
	return s.Deploy.Uses(tx, definitionARN)
}

// ListTaskDefinitions lists revisions by family and revision.
func (s *Service) ListTaskDefinitions(ctx context.Context, in *ecsapi.ListTaskDefinitionsInput) (*ecsapi.ListTaskDefinitionsOutput, error) {
	scope, status := scopeOf(aws.From(ctx)), aws.Val(in.Status)
	if status == "" {
		status = ecsapi.TaskDefinitionStatusActive
	}
	prefix := scope.key()
	if f := aws.Val(in.FamilyPrefix); f != "" {
		prefix = scope.familyKey(f) // AWS matches the whole name in spite of the parameter's
	}
	var rows []*TaskDefinition
	for d := range s.Tables.Definitions.All(s.Store.View(), prefix) {
		if aws.Val(d.Shape.Status) == status {
			rows = append(rows, d)
		}
	}
	if aws.Val(in.Sort) == ecsapi.SortOrderDesc {
		slices.Reverse(rows)
	}
	rows, next, err := page.Of(rows, func(d *TaskDefinition) string { return d.Scope.definitionKey(d.Family, d.Revision) }, in.NextToken,
		int(aws.Val(in.MaxResults)), 100, 100)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListTaskDefinitionsOutput{TaskDefinitionArns: []string{}, NextToken: next}
	for _, d := range rows {
		out.TaskDefinitionArns = append(out.TaskDefinitionArns, *d.Shape.TaskDefinitionArn)
	}
	return out, nil
}

// ListTaskDefinitionFamilies lists families, those without an ACTIVE revision counting as INACTIVE.
func (s *Service) ListTaskDefinitionFamilies(ctx context.Context, in *ecsapi.ListTaskDefinitionFamiliesInput) (*ecsapi.ListTaskDefinitionFamiliesOutput, error) {
	names := []string{}
	for f := range s.Tables.Families.All(s.Store.View(), scopeOf(aws.From(ctx)).key()+aws.Val(in.FamilyPrefix)) {
		switch aws.Val(in.Status) {
		case ecsapi.TaskDefinitionFamilyStatusActive:
			if f.Active == 0 {
				continue
			}
		case ecsapi.TaskDefinitionFamilyStatusInactive:
			if f.Active != 0 {
				continue
			}
		}
		names = append(names, f.Name)
	}
	names, next, err := list(names, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTaskDefinitionFamiliesOutput{Families: names, NextToken: next}, nil
}
