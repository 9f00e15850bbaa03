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
	streams := len(in.LogStreamNames) + len(in.LogStreamNamePrefixes)
	if len(in.LogGroupIdentifiers) > 1 && streams > 0 {
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
	session := tailSession{wanted: func(stream *logs.Stream, message string) bool {
		named := streams == 0 || slices.Contains(in.LogStreamNames, stream.Name) || hasAnyPrefix(stream.Name, in.LogStreamNamePrefixes)
		return named && matches.Match(message)
	}}
	start := &logsapi.StartLiveTailResponseStream{SessionStart: &logsapi.LiveTailSessionStart{
		RequestId: new(aws.From(ctx).RequestID), SessionId: new(uuid.NewString()), LogGroupIdentifiers: in.LogGroupIdentifiers,
		LogStreamNames: in.LogStreamNames, LogStreamNamePrefixes: in.LogStreamNamePrefixes, LogEventFilterPattern: in.LogEventFilterPattern,
	}}
	return &logsapi.StartLiveTailOutput{ResponseStream: func(yield func(*logsapi.StartLiveTailResponseStream, error) bool) {
		tail := s.engine.Tail(groups)
		defer tail.Close()
		if yield(start, nil) {
			session.run(ctx, tail, yield)
		}
	}}, nil
}

// tailSession collects the events of one update.
type tailSession struct {
	wanted  func(stream *logs.Stream, message string) bool
	results []logsapi.LiveTailSessionLogEvent
	left    int // events that did not fit into the update
}

func (t *tailSession) run(ctx context.Context, tail *logs.Tail, yield func(*logsapi.StartLiveTailResponseStream, error) bool) {
	end := time.After(tailLength)
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			yield(nil, awserr.New("SessionTimeoutException", http.StatusBadRequest, "The live tail session has reached its longest duration of three hours."))
			return
		case batch := <-tail.C:
			t.add(batch)
		case <-tick.C:
			t.left += tail.Dropped()
			if !yield(&logsapi.StartLiveTailResponseStream{SessionUpdate: t.update()}, nil) {
				return
			}
		}
	}
}

func (t *tailSession) add(batch logs.Tailed) {
	for _, e := range batch.Events {
		switch {
		case !t.wanted(batch.Stream, e.Message):
		case len(t.results) < tailEvents:
			t.results = append(t.results, logsapi.LiveTailSessionLogEvent{
				LogStreamName: new(batch.Stream.Name), LogGroupIdentifier: new(batch.Group.Account + ":" + batch.Group.Name),
				Message: new(e.Message), Timestamp: new(e.Timestamp), IngestionTime: new(e.Ingested),
			})
		default:
			t.left++
		}
	}
}

// update is what has been collected; the next one begins empty.
func (t *tailSession) update() *logsapi.LiveTailSessionUpdate {
	u := &logsapi.LiveTailSessionUpdate{
		SessionMetadata: &logsapi.LiveTailSessionMetadata{Sampled: new(t.left > 0)},
		SessionResults:  append([]logsapi.LiveTailSessionLogEvent{}, t.results...),
	}
	t.results, t.left = nil, 0
	return u
}
