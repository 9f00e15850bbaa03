package logs

import (
	"context"
	"strings"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/state"
)

// Service is the CloudWatch Logs front.
type Service struct {
	store  *state.Store
	tables *logs.Tables
	engine *logs.Engine
}

// New returns the front over the engine.
func New(store *state.Store, tables *logs.Tables, engine *logs.Engine) *Service {
	return &Service{store: store, tables: tables, engine: engine}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		logsapi.CreateLogGroup.Bind(s.CreateLogGroup),
		logsapi.DeleteLogGroup.Bind(s.DeleteLogGroup),
		logsapi.DescribeLogGroups.Bind(s.DescribeLogGroups),
		logsapi.ListLogGroups.Bind(s.ListLogGroups),
		logsapi.PutRetentionPolicy.Bind(s.PutRetentionPolicy),
		logsapi.DeleteRetentionPolicy.Bind(s.DeleteRetentionPolicy),
		logsapi.PutLogGroupDeletionProtection.Bind(s.PutLogGroupDeletionProtection),

		logsapi.CreateLogStream.Bind(s.CreateLogStream),
		logsapi.DeleteLogStream.Bind(s.DeleteLogStream),
		logsapi.DescribeLogStreams.Bind(s.DescribeLogStreams),

		logsapi.PutLogEvents.Bind(s.PutLogEvents),
		logsapi.GetLogEvents.Bind(s.GetLogEvents),
		logsapi.FilterLogEvents.Bind(s.FilterLogEvents),
		logsapi.StartLiveTail.Bind(s.StartLiveTail),

		logsapi.TagResource.Bind(s.TagResource),
		logsapi.UntagResource.Bind(s.UntagResource),
		logsapi.ListTagsForResource.Bind(s.ListTagsForResource),
		logsapi.TagLogGroup.Bind(s.TagLogGroup),
		logsapi.UntagLogGroup.Bind(s.UntagLogGroup),
		logsapi.ListTagsLogGroup.Bind(s.ListTagsLogGroup),

		logsapi.PutQueryDefinition.Bind(s.PutQueryDefinition),
		logsapi.DescribeQueryDefinitions.Bind(s.DescribeQueryDefinitions),
		logsapi.DeleteQueryDefinition.Bind(s.DeleteQueryDefinition),
	}
}

// group finds a log group by name or by identifier (name or ARN); exactly one must be given.
func (s *Service) group(ctx context.Context, tx *state.Tx, name, identifier *string) (*logs.Group, error) {
	call := aws.From(ctx)
	switch {
	case name != nil && identifier != nil:
		return nil, logsapi.ErrInvalidParameterException.New("Only one of logGroupName and logGroupIdentifier may be specified")
	case name != nil:
		return s.engine.Group(tx, call.Account, call.Region, *name)
	case identifier != nil:
		return s.engine.Group(tx, call.Account, call.Region, groupName(*identifier))
	}
	return nil, logsapi.ErrInvalidParameterException.New("Either logGroupName or logGroupIdentifier must be specified")
}

// groupName is the name in a log group's ARN, with or without the trailing :*; anything else is a name already.
func groupName(identifier string) string {
	if _, name, ok := strings.Cut(identifier, ":log-group:"); ok && strings.HasPrefix(identifier, "arn:") {
		return strings.TrimSuffix(name, ":*")
	}
	return identifier
}

// change changes a copy of a log group and writes it.
func change[O any](ctx context.Context, s *Service, name *string, fn func(g *logs.Group) error) (*O, error) {
	out := new(O)
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		have, err := s.group(ctx, tx, name, nil)
		if err != nil {
			return err
		}
		g := *have
		if err := fn(&g); err != nil {
			return err
		}
		s.tables.Groups.Put(tx, &g)
		return nil
	})
	return out, err
}
