package logs

import (
	"context"
	"fmt"
	"sort"
	"strings"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/state"
)

// CreateLogStream makes a log stream.
func (s *Service) CreateLogStream(ctx context.Context, in *logsapi.CreateLogStreamInput) (*logsapi.CreateLogStreamOutput, error) {
	return &logsapi.CreateLogStreamOutput{}, s.store.Update(ctx, func(tx *state.Tx) error {
		g, err := s.group(ctx, tx, in.LogGroupName, nil)
		if err != nil {
			return err
		}
		_, err = s.engine.CreateStream(tx, g, *in.LogStreamName)
		return err
	})
}

// DeleteLogStream deletes a log stream and its events.
func (s *Service) DeleteLogStream(ctx context.Context, in *logsapi.DeleteLogStreamInput) (*logsapi.DeleteLogStreamOutput, error) {
	call := aws.From(ctx)
	return &logsapi.DeleteLogStreamOutput{}, s.engine.DeleteStream(ctx, call.Account, call.Region, *in.LogGroupName, *in.LogStreamName)
}

// sequenceToken is what old clients expect; AWS ignores the value since 2023.
const sequenceToken = "49590302938405230985209385203985209385209385203985205"

// DescribeLogStreams lists streams by name or by the time of their last event.
func (s *Service) DescribeLogStreams(ctx context.Context, in *logsapi.DescribeLogStreamsInput) (*logsapi.DescribeLogStreamsOutput, error) {
	byTime := aws.Val(in.OrderBy) == "LastEventTime"
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, logsapi.ErrInvalidParameterException.New("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	tx := s.store.View()
	g, err := s.group(ctx, tx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	type item struct {
		stream *logs.Stream
		span   logs.Span
	}
	key := func(i item) string {
		if byTime {
			return fmt.Sprintf("%020d %s", i.span.Last, i.stream.Name)
		}
		return i.stream.Name
	}
	var items []item
	for t := range s.tables.Streams.All(tx, logs.StreamKey(g.ID, aws.Val(in.LogStreamNamePrefix))) {
		i := item{stream: t}
		if byTime {
			if i.span, err = s.engine.Span(ctx, t); err != nil {
				return nil, err
			}
		}
		items = append(items, i)
	}
	sort.Slice(items, func(a, b int) bool { return (key(items[a]) < key(items[b])) != aws.Val(in.Descending) })
	shown, next, err := page.Of(items, key, in.NextToken, int(aws.Val(in.Limit)), describeMax, describeMax)
	if err != nil {
		return nil, err
	}
	out := &logsapi.DescribeLogStreamsOutput{LogStreams: []logsapi.LogStream{}, NextToken: next}
	for _, i := range shown {
		span, err := s.engine.Span(ctx, i.stream)
		if err != nil {
			return nil, err
		}
		// storedBytes of streams is always 0 since 2019.
		shape := logsapi.LogStream{
			LogStreamName: new(i.stream.Name), CreationTime: new(i.stream.Created), StoredBytes: new(int64(0)),
			Arn: new(g.ARN() + ":log-stream:" + i.stream.Name), UploadSequenceToken: new(sequenceToken),
		}
		if span.Ingested > 0 {
			shape.FirstEventTimestamp, shape.LastEventTimestamp, shape.LastIngestionTime = new(span.First), new(span.Last), new(span.Ingested)
		}
		out.LogStreams = append(out.LogStreams, shape)
	}
	return out, nil
}

// streams are a group's streams, all of them or the named ones, which must exist.
func (s *Service) streams(tx *state.Tx, g *logs.Group, names []string) ([]*logs.Stream, error) {
	var out []*logs.Stream
	for _, name := range names {
		t, err := s.engine.Stream(tx, g, name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	if len(names) == 0 {
		for t := range s.tables.Streams.All(tx, logs.StreamKey(g.ID, "")) {
			out = append(out, t)
		}
	}
	return out, nil
}

// validRange refuses a window that ends before it starts.
func validRange(from, to *int64) error {
	if from != nil && to != nil && *from > *to {
		return logsapi.ErrInvalidParameterException.New("Invalid start time/end time: start time must not be after end time.")
	}
	return nil
}

func hasAnyPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
