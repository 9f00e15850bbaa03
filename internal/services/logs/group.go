package logs

import (
	"context"
	"strings"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/state"
)

// describeMax is the largest page of the Describe operations.
const describeMax = 50

// retentions are the days PutRetentionPolicy takes.
var retentions = map[int32]bool{
	1: true, 3: true, 5: true, 7: true, 14: true, 30: true, 60: true, 90: true, 120: true, 150: true, 180: true, 365: true,
	400: true, 545: true, 731: true, 1096: true, 1827: true, 2192: true, 2557: true, 2922: true, 3288: true, 3653: true,
}

// CreateLogGroup makes a log group.
func (s *Service) CreateLogGroup(ctx context.Context, in *logsapi.CreateLogGroupInput) (*logsapi.CreateLogGroupOutput, error) {
	class := "STANDARD"
	if in.LogGroupClass != nil {
		class = *in.LogGroupClass
	}
	switch {
	case in.KmsKeyId != nil:
		return nil, awserr.NotImplemented("logs CreateLogGroup kmsKeyId")
	case class == "DELIVERY":
		return nil, awserr.NotImplemented("logs CreateLogGroup logGroupClass DELIVERY")
	case strings.HasPrefix(*in.LogGroupName, "aws/"):
		return nil, logsapi.ErrInvalidParameterException.New("Log groups starting with AWS/ are reserved for AWS.")
	}
	call := aws.From(ctx)
	return &logsapi.CreateLogGroupOutput{}, s.store.Update(ctx, func(tx *state.Tx) error {
		return s.engine.CreateGroup(tx, logs.Group{
			Account: call.Account, Region: call.Region, Name: *in.LogGroupName, Class: class,
			Tags: in.Tags, Protected: aws.Val(in.DeletionProtectionEnabled),
		})
	})
}

// DeleteLogGroup deletes a log group with all it holds.
func (s *Service) DeleteLogGroup(ctx context.Context, in *logsapi.DeleteLogGroupInput) (*logsapi.DeleteLogGroupOutput, error) {
	call := aws.From(ctx)
	return &logsapi.DeleteLogGroupOutput{}, s.engine.DeleteGroup(ctx, call.Account, call.Region, *in.LogGroupName)
}

// DescribeLogGroups lists log groups by name.
func (s *Service) DescribeLogGroups(ctx context.Context, in *logsapi.DescribeLogGroupsInput) (*logsapi.DescribeLogGroupsOutput, error) {
	switch {
	case in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil:
		return nil, logsapi.ErrInvalidParameterException.New("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case aws.Val(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return nil, awserr.NotImplemented("logs DescribeLogGroups includeLinkedAccounts")
	}
	call, tx := aws.From(ctx), s.store.View()
	wanted := map[string]bool{}
	for _, id := range in.LogGroupIdentifiers {
		wanted[groupName(id)] = true
	}
	var found []*logs.Group
	for g := range s.tables.Groups.All(tx, logs.Key(call.Account, call.Region, aws.Val(in.LogGroupNamePrefix))) {
		switch {
		case in.LogGroupNamePattern != nil && !strings.Contains(strings.ToLower(g.Name), strings.ToLower(*in.LogGroupNamePattern)):
		case in.LogGroupClass != nil && g.Class != *in.LogGroupClass:
		case len(wanted) > 0 && !wanted[g.Name]:
		default:
			found = append(found, g)
		}
	}
	shown, next, err := page.Of(found, func(g *logs.Group) string { return g.Name }, in.NextToken, int(aws.Val(in.Limit)), describeMax, describeMax)
	if err != nil {
		return nil, err
	}
	out := &logsapi.DescribeLogGroupsOutput{LogGroups: []logsapi.LogGroup{}, NextToken: next}
	for _, g := range shown {
		stored, err := s.engine.StoredBytes(ctx, g)
		if err != nil {
			return nil, err
		}
		item := logsapi.LogGroup{
			LogGroupName: new(g.Name), CreationTime: new(g.Created), MetricFilterCount: new(int32(0)), StoredBytes: new(stored),
			Arn: new(g.ARN() + ":*"), LogGroupArn: new(g.ARN()), LogGroupClass: new(g.Class), DeletionProtectionEnabled: new(g.Protected),
		}
		if g.Retention > 0 {
			item.RetentionInDays = new(g.Retention)
		}
		out.LogGroups = append(out.LogGroups, item)
	}
	return out, nil
}

// ListLogGroups lists names and ARNs.
func (s *Service) ListLogGroups(ctx context.Context, in *logsapi.ListLogGroupsInput) (*logsapi.ListLogGroupsOutput, error) {
	switch {
	case aws.Val(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return nil, awserr.NotImplemented("logs ListLogGroups includeLinkedAccounts")
	case in.LogGroupNamePattern != nil && strings.ContainsAny(*in.LogGroupNamePattern, "|^"):
		return nil, awserr.NotImplemented("logs ListLogGroups logGroupNamePattern with several patterns")
	case len(in.DataSources) > 0 || len(in.FieldIndexNames) > 0 || len(in.LogGroupTags) > 0:
		return nil, awserr.NotImplemented("logs ListLogGroups dataSources, fieldIndexNames and logGroupTags")
	}
	call := aws.From(ctx)
	var found []logsapi.LogGroupSummary
	for g := range s.tables.Groups.All(s.store.View(), logs.Key(call.Account, call.Region, "")) {
		if strings.Contains(g.Name, aws.Val(in.LogGroupNamePattern)) && (in.LogGroupClass == nil || *in.LogGroupClass == g.Class) {
			found = append(found, logsapi.LogGroupSummary{LogGroupName: new(g.Name), LogGroupArn: new(g.ARN()), LogGroupClass: new(g.Class)})
		}
	}
	out := &logsapi.ListLogGroupsOutput{}
	var err error
	out.LogGroups, out.NextToken, err = page.Of(found, func(g logsapi.LogGroupSummary) string { return *g.LogGroupName }, in.NextToken, int(aws.Val(in.Limit)), describeMax, 1000)
	return out, err
}

// PutRetentionPolicy sets how many days events are kept.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *logsapi.PutRetentionPolicyInput) (*logsapi.PutRetentionPolicyOutput, error) {
	if !retentions[*in.RetentionInDays] {
		return nil, logsapi.ErrInvalidParameterException.New("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]", *in.RetentionInDays)
	}
	return change[logsapi.PutRetentionPolicyOutput](ctx, s, in.LogGroupName, func(g *logs.Group) error {
		g.Retention = *in.RetentionInDays
		return nil
	})
}

// DeleteRetentionPolicy keeps events for good again.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *logsapi.DeleteRetentionPolicyInput) (*logsapi.DeleteRetentionPolicyOutput, error) {
	return change[logsapi.DeleteRetentionPolicyOutput](ctx, s, in.LogGroupName, func(g *logs.Group) error {
		g.Retention = 0
		return nil
	})
}

// PutLogGroupDeletionProtection turns deletion protection on or off.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, in *logsapi.PutLogGroupDeletionProtectionInput) (*logsapi.PutLogGroupDeletionProtectionOutput, error) {
	return change[logsapi.PutLogGroupDeletionProtectionOutput](ctx, s, new(groupName(*in.LogGroupIdentifier)), func(g *logs.Group) error {
		g.Protected = *in.DeletionProtectionEnabled
		return nil
	})
}
