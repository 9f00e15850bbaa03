package logs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	logsapi "github.com/neargate/neargate/internal/api/logs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/state"
)

func open(t *testing.T) (*Service, context.Context) {
	t.Helper()
	schema := state.NewSchema()
	tables := logs.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := logs.Open(logs.Config{Store: store, Tables: tables, Path: filepath.Join(t.TempDir(), "logs.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close(); store.Close() })
	return New(store, tables, engine), aws.With(t.Context(), &aws.Call{Account: "000000000000", Region: "us-east-1", Now: time.Now()})
}

func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	var e *awserr.Error
	if got := ""; errors.As(err, &e) && e.Code != code || err == nil && code != got || err != nil && e == nil {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

func prepared(t *testing.T) (*Service, context.Context) {
	s, ctx := open(t)
	_, err := s.CreateLogGroup(ctx, &logsapi.CreateLogGroupInput{LogGroupName: new("/g")})
	want(t, "group", err, "")
	_, err = s.CreateLogStream(ctx, &logsapi.CreateLogStreamInput{LogGroupName: new("/g"), LogStreamName: new("s")})
	want(t, "stream", err, "")
	return s, ctx
}

func TestGroups(t *testing.T) {
	s, ctx := prepared(t)
	_, err := s.CreateLogGroup(ctx, &logsapi.CreateLogGroupInput{LogGroupName: new("/g")})
	want(t, "again", err, "ResourceAlreadyExistsException")
	_, err = s.PutRetentionPolicy(ctx, &logsapi.PutRetentionPolicyInput{LogGroupName: new("/g"), RetentionInDays: new(int32(2))})
	want(t, "a retention AWS does not have", err, "InvalidParameterException")
	_, err = s.PutRetentionPolicy(ctx, &logsapi.PutRetentionPolicyInput{LogGroupName: new("/g"), RetentionInDays: new(int32(7))})
	want(t, "retention", err, "")
	out, err := s.DescribeLogGroups(ctx, &logsapi.DescribeLogGroupsInput{LogGroupNamePrefix: new("/")})
	if err != nil || len(out.LogGroups) != 1 || *out.LogGroups[0].RetentionInDays != 7 || *out.LogGroups[0].Arn != "arn:aws:logs:us-east-1:000000000000:log-group:/g:*" {
		t.Errorf("%+v, %v", out, err)
	}
	arn := out.LogGroups[0].LogGroupArn
	_, err = s.TagResource(ctx, &logsapi.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "b"}})
	want(t, "tag", err, "")
	tags, err := s.ListTagsForResource(ctx, &logsapi.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || tags.Tags["a"] != "b" {
		t.Errorf("%+v, %v", tags, err)
	}
	_, err = s.PutLogGroupDeletionProtection(ctx, &logsapi.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: arn, DeletionProtectionEnabled: new(true)})
	want(t, "protect", err, "")
	_, err = s.DeleteLogGroup(ctx, &logsapi.DeleteLogGroupInput{LogGroupName: new("/g")})
	want(t, "delete a protected group", err, "ValidationException")
	_, err = s.DeleteLogGroup(ctx, &logsapi.DeleteLogGroupInput{LogGroupName: new("/none")})
	want(t, "delete none", err, "ResourceNotFoundException")
}

func TestPutRejects(t *testing.T) {
	s, ctx := prepared(t)
	now := time.Now()
	put := func(at ...time.Time) (*logsapi.PutLogEventsOutput, error) {
		in := &logsapi.PutLogEventsInput{LogGroupName: new("/g"), LogStreamName: new("s")}
		for i, a := range at {
			in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: new(a.UnixMilli()), Message: new(fmt.Sprint(i))})
		}
		return s.PutLogEvents(ctx, in)
	}
	_, err := put(now, now.Add(-time.Second))
	want(t, "out of order", err, "InvalidParameterException")
	_, err = put(now.Add(-25*time.Hour), now)
	want(t, "more than a day", err, "InvalidParameterException")
	out, err := put(now, now.Add(3*time.Hour))
	if err != nil || out.RejectedLogEventsInfo == nil || *out.RejectedLogEventsInfo.TooNewLogEventStartIndex != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	out, err = put(now.Add(-15 * 24 * time.Hour))
	if err != nil || out.RejectedLogEventsInfo == nil || *out.RejectedLogEventsInfo.TooOldLogEventEndIndex != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	got, err := s.GetLogEvents(ctx, &logsapi.GetLogEventsInput{LogGroupName: new("/g"), LogStreamName: new("s"), StartFromHead: new(true)})
	if err != nil || len(got.Events) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	again, err := s.GetLogEvents(ctx, &logsapi.GetLogEventsInput{LogGroupName: new("/g"), LogStreamName: new("s"), NextToken: got.NextForwardToken})
	if err != nil || len(again.Events) != 0 || *again.NextForwardToken != *got.NextForwardToken {
		t.Errorf("at the end the token changes: %+v, %v", again, err)
	}
	_, err = s.GetLogEvents(ctx, &logsapi.GetLogEventsInput{LogGroupName: new("/g"), LogStreamName: new("s"), NextToken: new("f/1/s")})
	want(t, "a token not ours", err, "InvalidParameterException")
	_, err = s.FilterLogEvents(ctx, &logsapi.FilterLogEventsInput{LogGroupName: new("/g"), FilterPattern: new("{")})
	want(t, "a bad pattern", err, "InvalidParameterException")
	found, err := s.FilterLogEvents(ctx, &logsapi.FilterLogEventsInput{LogGroupName: new("/g"), FilterPattern: new("0")})
	if err != nil || len(found.Events) != 1 || *found.Events[0].LogStreamName != "s" || found.NextToken != nil {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestLiveTail(t *testing.T) {
	s, ctx := prepared(t)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out, err := s.StartLiveTail(ctx, &logsapi.StartLiveTailInput{LogGroupIdentifiers: []string{"arn:aws:logs:us-east-1:000000000000:log-group:/g"}, LogEventFilterPattern: new("yes")})
	if err != nil {
		t.Fatal(err)
	}
	started := false
	for event, err := range out.ResponseStream {
		if err != nil {
			t.Fatal(err)
		}
		if event.SessionStart != nil {
			started = true
			for _, m := range []string{"yes 1", "no"} {
				_, err := s.PutLogEvents(ctx, &logsapi.PutLogEventsInput{LogGroupName: new("/g"), LogStreamName: new("s"), LogEvents: []logsapi.InputLogEvent{{Timestamp: new(time.Now().UnixMilli()), Message: &m}}})
				want(t, "put", err, "")
			}
			continue
		}
		if r := event.SessionUpdate.SessionResults; len(r) > 0 {
			if !started || len(r) != 1 || *r[0].Message != "yes 1" {
				t.Errorf("results %+v", r)
			}
			return
		}
	}
	t.Error("the stream ended without the event")
}
