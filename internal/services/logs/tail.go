package logs

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/logs"
)

// Bounds of a live tail session: StartLiveTail.
const (
	tailEvery  = time.Second
	tailEvents = 500
	tailLength = 3 * time.Hour
)

// StartLiveTail streams events as they arrive: one update a second, of at most
// 500 events, until the client leaves or three hours are over.
func (s *Service) StartLiveTail(ctx context.Context, in *logsapi.StartLiveTailInput) (*logsapi.StartLiveTailOutput, error) {
	matches, err := parsePattern(in.LogEventFilterPattern)
	if err != nil {
		return nil, err
	}
	if len(in.LogGroupIdentifiers) > 1 && len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) > 0 {
		return nil, logsapi.ErrInvalidParameterException.New("Log stream names and prefixes can be given with one log group only.")
	}
	if len(in.LogStreamNames) > 0 && len(in.LogStreamNamePrefixes) > 0 {
		return nil, logsapi.ErrInvalidParameterException.New("Only one of logStreamNames and logStreamNamePrefixes may be specified")
	}
	tx := s.store.View()
	var groups []*logs.Group
	for _, id := range in.LogGroupIdentifiers {
		g, err := s.group(ctx, tx, nil, new(id))
		if err != nil {
			return nil, err
		}
		groups = append(groups, g)
	}
	wanted := func(stream *logs.Stream, message string) bool {
		if len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) > 0 && !slices.Contains(in.LogStreamNames, stream.Name) && !hasAnyPrefix(stream.Name, in.LogStreamNamePrefixes) {
			return false
		}
		return matches.Match(message)
	}
	start := &logsapi.StartLiveTailResponseStream{SessionStart: &logsapi.LiveTailSessionStart{
		RequestId: new(aws.From(ctx).RequestID), SessionId: new(uuid.NewString()), LogGroupIdentifiers: in.LogGroupIdentifiers,
		LogStreamNames: in.LogStreamNames, LogStreamNamePrefixes: in.LogStreamNamePrefixes, LogEventFilterPattern: in.LogEventFilterPattern,
	}}
	return &logsapi.StartLiveTailOutput{ResponseStream: func(yield func(*logsapi.StartLiveTailResponseStream, error) bool) {
		tail := s.engine.Tail(groups)
		defer tail.Close()
		if !yield(start, nil) {
			return
		}
		end := time.After(tailLength)
		tick := time.NewTicker(tailEvery)
		defer tick.Stop()
		var results []logsapi.LiveTailSessionLogEvent
		left := 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-end:
				yield(nil, awserr.New("SessionTimeoutException", http.StatusBadRequest, "The live tail session has reached its longest duration of three hours."))
				return
			case batch := <-tail.C:
				for _, e := range batch.Events {
					switch {
					case !wanted(batch.Stream, e.Message):
					case len(results) < tailEvents:
						results = append(results, logsapi.LiveTailSessionLogEvent{
							LogStreamName: new(batch.Stream.Name), LogGroupIdentifier: new(batch.Group.Account + ":" + batch.Group.Name),
							Message: new(e.Message), Timestamp: new(e.Timestamp), IngestionTime: new(e.Ingested),
						})
					default:
						left++
					}
				}
			case <-tick.C:
				left += tail.Dropped()
				update := &logsapi.LiveTailSessionUpdate{SessionMetadata: &logsapi.LiveTailSessionMetadata{Sampled: new(left > 0)}, SessionResults: results}
				if update.SessionResults == nil {
					update.SessionResults = []logsapi.LiveTailSessionLogEvent{}
				}
				if !yield(&logsapi.StartLiveTailResponseStream{SessionUpdate: update}, nil) {
					return
				}
				results, left = nil, 0
			}
		}
	}}, nil
}
