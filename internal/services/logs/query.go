package logs

import (
	"context"
	"strings"

	"github.com/google/uuid"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/state"
)

const queryPage = 1000

// PutQueryDefinition saves an Insights query: a new one without an id. Running queries comes later; StartQuery says so.
func (s *Service) PutQueryDefinition(ctx context.Context, in *logsapi.PutQueryDefinitionInput) (*logsapi.PutQueryDefinitionOutput, error) {
	switch {
	case in.ClientToken != nil:
		return nil, awserr.NotImplemented("logs PutQueryDefinition clientToken")
	case len(in.Parameters) > 0:
		return nil, awserr.NotImplemented("logs PutQueryDefinition parameters")
	}
	call := aws.From(ctx)
	q := &logs.Query{
		Account: call.Account, Region: call.Region, ID: uuid.NewString(), Name: *in.Name, Text: *in.QueryString,
		Language: "CWLI", Groups: in.LogGroupNames, Modified: call.Now.UnixMilli(),
	}
	if in.QueryLanguage != nil {
		q.Language = *in.QueryLanguage
	}
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		if in.QueryDefinitionId != nil {
			q.ID = *in.QueryDefinitionId
			if _, ok := s.tables.Queries.Get(tx, logs.Key(q.Account, q.Region, q.ID)); !ok {
				return logsapi.ErrResourceNotFoundException.New("The specified query definition does not exist.")
			}
		}
		s.tables.Queries.Put(tx, q)
		return nil
	})
	return &logsapi.PutQueryDefinitionOutput{QueryDefinitionId: new(q.ID)}, err
}

// DescribeQueryDefinitions lists saved queries.
func (s *Service) DescribeQueryDefinitions(ctx context.Context, in *logsapi.DescribeQueryDefinitionsInput) (*logsapi.DescribeQueryDefinitionsOutput, error) {
	call := aws.From(ctx)
	var found []logsapi.QueryDefinition
	for q := range s.tables.Queries.All(s.store.View(), logs.Key(call.Account, call.Region, "")) {
		if strings.HasPrefix(q.Name, aws.Val(in.QueryDefinitionNamePrefix)) && (in.QueryLanguage == nil || *in.QueryLanguage == q.Language) {
			found = append(found, logsapi.QueryDefinition{
				QueryDefinitionId: new(q.ID), Name: new(q.Name), QueryString: new(q.Text), QueryLanguage: new(q.Language),
				LogGroupNames: q.Groups, LastModified: new(q.Modified),
			})
		}
	}
	out := &logsapi.DescribeQueryDefinitionsOutput{}
	var err error
	out.QueryDefinitions, out.NextToken, err = page.Of(found, func(q logsapi.QueryDefinition) string { return *q.QueryDefinitionId }, in.NextToken, int(aws.Val(in.MaxResults)), queryPage, queryPage)
	if out.QueryDefinitions == nil {
		out.QueryDefinitions = []logsapi.QueryDefinition{}
	}
	return out, err
}

// DeleteQueryDefinition deletes a saved query.
func (s *Service) DeleteQueryDefinition(ctx context.Context, in *logsapi.DeleteQueryDefinitionInput) (*logsapi.DeleteQueryDefinitionOutput, error) {
	call := aws.From(ctx)
	return &logsapi.DeleteQueryDefinitionOutput{Success: new(true)}, s.store.Update(ctx, func(tx *state.Tx) error {
		if !s.tables.Queries.Delete(tx, logs.Key(call.Account, call.Region, *in.QueryDefinitionId)) {
			return logsapi.ErrResourceNotFoundException.New("The specified query definition does not exist.")
		}
		return nil
	})
}
