package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logs/pattern"
)

// Bounds of PutLogEvents.
const (
	putBytes   = 1 << 20
	eventExtra = 26
	putSpan    = 24 * time.Hour
	tooOld     = 14 * 24 * time.Hour
	tooNew     = 2 * time.Hour
)

// PutLogEvents appends a batch. Events too old, too new or past the retention are rejected one by one, as on AWS.
func (s *Service) PutLogEvents(ctx context.Context, in *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
	if in.Entity != nil {
		return nil, awserr.NotImplemented("logs PutLogEvents entity")
	}
	tx := s.store.View()
	g, err := s.group(ctx, tx, in.LogGroupName, nil)
	if err != nil {
		return nil, err
	}
	stream, err := s.engine.Stream(tx, g, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	kept, rejected := sift(in.LogEvents, aws.From(ctx).Now, g.Retention)
	out := &logsapi.PutLogEventsOutput{NextSequenceToken: new(sequenceToken), RejectedLogEventsInfo: rejected}
	if len(kept) == 0 {
		return out, nil
	}
	return out, s.engine.Append(ctx, g, stream, kept)
}

func checkBatch(batch []logsapi.InputLogEvent) error {
	size := 0
	for i, e := range batch {
		size += len(*e.Message) + eventExtra
		if i > 0 && *e.Timestamp < *batch[i-1].Timestamp {
			return logsapi.ErrInvalidParameterException.New("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > putBytes {
		return logsapi.ErrInvalidParameterException.New("Upload too large: %d bytes exceeds limit of %d", size, putBytes)
	}
	if *batch[len(batch)-1].Timestamp-*batch[0].Timestamp > putSpan.Milliseconds() {
		return logsapi.ErrInvalidParameterException.New("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

func sift(batch []logsapi.InputLogEvent, now time.Time, retention int32) (kept []logs.Event, rejected *logsapi.RejectedLogEventsInfo) {
	r := &logsapi.RejectedLogEventsInfo{}
	for i, e := range batch {
		at := time.UnixMilli(*e.Timestamp)
		switch {
		case retention > 0 && at.Before(now.AddDate(0, 0, -int(retention))):
			r.ExpiredLogEventEndIndex = new(int32(i + 1))
		case at.Before(now.Add(-tooOld)):
			r.TooOldLogEventEndIndex = new(int32(i + 1))
		case at.After(now.Add(tooNew)):
			if r.TooNewLogEventStartIndex == nil {
				r.TooNewLogEventStartIndex = new(int32(i))
			}
		default:
			kept = append(kept, logs.Event{Timestamp: *e.Timestamp, Message: *e.Message})
		}
	}
	if len(kept) == len(batch) {
		return kept, nil
	}
	return kept, r
}

// Tokens of GetLogEvents have AWS's form: f/ or b/ and a fixed number of digits.
const tokenForm = "%c/%020d%020d/s"

func token(direction byte, p logs.Place) *string {
	return new(fmt.Sprintf(tokenForm, direction, p.Timestamp, p.Seq))
}

func parseToken(text string) (direction byte, p logs.Place, err error) {
	var back string
	if n, _ := fmt.Sscanf(text, "%c/%20d%20d/s", &direction, &p.Timestamp, &p.Seq); n == 3 {
		back = fmt.Sprintf(tokenForm, direction, p.Timestamp, p.Seq)
	}
	if back != text || direction != 'f' && direction != 'b' {
		return 0, p, logsapi.ErrInvalidParameterException.New("The specified nextToken is invalid.")
	}
	return direction, p, nil
}

// GetLogEvents reads a stream, a page at a time in either direction. At an end the token given comes back.
func (s *Service) GetLogEvents(ctx context.Context, in *logsapi.GetLogEventsInput) (*logsapi.GetLogEventsOutput, error) {
	if err := validRange(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	tx := s.store.View()
	g, err := s.group(ctx, tx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	stream, err := s.engine.Stream(tx, g, *in.LogStreamName)
	if err != nil {
		return nil, err
	}
	r := logs.Read{From: aws.Val(in.StartTime), To: aws.Val(in.EndTime), Head: aws.Val(in.StartFromHead), Limit: int(aws.Val(in.Limit))}
	if in.NextToken != nil {
		direction, place, err := parseToken(*in.NextToken)
		switch {
		case err != nil:
			return nil, err
		case direction == 'f':
			r.After = &place
		default:
			r.Before = &place
		}
	}
	p, err := s.engine.Read(ctx, stream, r)
	if err != nil {
		return nil, err
	}
	out := &logsapi.GetLogEventsOutput{Events: []logsapi.OutputLogEvent{}, NextForwardToken: token('f', p.Last), NextBackwardToken: token('b', p.First)}
	for _, e := range p.Events {
		out.Events = append(out.Events, logsapi.OutputLogEvent{Timestamp: new(e.Timestamp), Message: new(e.Message), IngestionTime: new(e.Ingested)})
	}
	return out, nil
}

// FilterLogEvents searches a group.
func (s *Service) FilterLogEvents(ctx context.Context, in *logsapi.FilterLogEventsInput) (*logsapi.FilterLogEventsOutput, error) {
	if err := validRange(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, logsapi.ErrInvalidParameterException.New("Only one of logStreamNames and logStreamNamePrefix may be specified")
	}
	matches, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	tx := s.store.View()
	g, err := s.group(ctx, tx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	streams, err := s.streams(tx, g, in.LogStreamNames)
	if err != nil {
		return nil, err
	}
	var prefixes []string
	if in.LogStreamNamePrefix != nil {
		prefixes = []string{*in.LogStreamNamePrefix}
	}
	f := logs.Filter{
		From: aws.Val(in.StartTime), To: aws.Val(in.EndTime), Limit: int(aws.Val(in.Limit)), Pattern: matches,
		Streams: logs.ChooseStreams(streams, in.LogStreamNames, prefixes),
	}
	if in.NextToken != nil {
		direction, place, err := parseToken(*in.NextToken)
		if err != nil || direction != 'f' {
			return nil, logsapi.ErrInvalidParameterException.New("The specified nextToken is invalid.")
		}
		f.After = &place
	}
	found, next, err := s.engine.Filter(ctx, g, f)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, t := range streams {
		names[t.ID] = t.Name
	}
	out := &logsapi.FilterLogEventsOutput{Events: []logsapi.FilteredLogEvent{}, SearchedLogStreams: []logsapi.SearchedLogStream{}}
	for _, e := range found {
		out.Events = append(out.Events, logsapi.FilteredLogEvent{
			LogStreamName: new(names[e.Stream]), Timestamp: new(e.Timestamp), Message: new(e.Message), IngestionTime: new(e.Ingested),
			EventId: new(fmt.Sprintf("%020d%036d", e.Timestamp, e.Seq)),
		})
	}
	if next != nil {
		out.NextToken = token('f', *next)
	}
	return out, nil
}

func parsePattern(text *string) (*pattern.Pattern, error) {
	p, err := pattern.Parse(aws.Val(text))
	if errors.Is(err, pattern.ErrSyntax) {
		return nil, logsapi.ErrInvalidParameterException.New("Invalid filter pattern: %s", err)
	}
	return p, err
}
