package cloudwatch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/metric/formula"
)

// Bounds of GetMetricData.
const (
	mostQueries = 500
	mostPoints  = 100_800   // of one page
	mostInMath  = 2_000_000 // that the expressions of one request may read and compute
)

var idForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// GetMetricData reads many metrics and computes expressions over them, a page of points at a time.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatchapi.GetMetricDataInput) (*cloudwatchapi.GetMetricDataOutput, error) {
	out, err := s.getMetricData(ctx, in)
	return out, asValidation(err)
}

// validation is the code that GetMetricData has for whatever is wrong with its parameters; CloudWatch's other operations tell them apart.
const validation = "ValidationError"

func asValidation(err error) error {
	e, ok := errors.AsType[*awserr.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case cloudwatchapi.ErrInvalidParameterValueException.Code, cloudwatchapi.ErrInvalidParameterCombinationException.Code,
		cloudwatchapi.ErrMissingRequiredParameterException.Code:
		return awserr.New(validation, http.StatusBadRequest, "%s", e.Message)
	}
	return err
}

func (s *Service) getMetricData(ctx context.Context, in *cloudwatchapi.GetMetricDataInput) (*cloudwatchapi.GetMetricDataOutput, error) {
	if in.StartTime.Equal(*in.EndTime) {
		return nil, invalid("The parameter StartTime must not equal parameter EndTime.")
	}
	if err := checkRange(*in.StartTime, *in.EndTime); err != nil {
		return nil, err
	}
	most := mostPoints
	if in.MaxDatapoints != nil {
		if most = int(*in.MaxDatapoints); most < 1 || most > mostPoints {
			return nil, invalid("The parameter MaxDatapoints must be between 1 and %d.", mostPoints)
		}
	}
	skip, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	queries, err := parseQueries(aws.From(ctx), in.MetricDataQueries)
	if err != nil {
		return nil, err
	}
	r := newReading(ctx, s.engine, *in.StartTime, *in.EndTime, queries)
	p := pointPage{results: []cloudwatchapi.MetricDataResult{}, skip: skip, room: most, ascending: aws.Val(in.ScanBy) == cloudwatchapi.ScanByTimestampAscending}
	for i := range queries {
		q := &queries[i]
		if !q.returned {
			continue
		}
		v, err := r.result(q)
		if err != nil {
			return nil, err
		}
		all, ok := v.([]*formula.Series)
		if !ok {
			all = []*formula.Series{v.(*formula.Series)}
		}
		for _, series := range all {
			p.add(q.id, q.title(series, ok, r.origins[series]), series)
			r.release(series)
		}
		if p.left > 0 {
			break // the next page goes on from here
		}
	}
	out := &cloudwatchapi.GetMetricDataOutput{MetricDataResults: p.results, Messages: []cloudwatchapi.MessageData{}}
	if p.left > 0 {
		out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(tokenMark + strconv.Itoa(skip+most))))
	}
	return out, nil
}

// tokenMark tells our tokens from anything else a client may send.
const tokenMark = "points:"

func parseToken(token *string) (int, error) {
	if aws.Val(token) == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	text, ours := strings.CutPrefix(string(raw), tokenMark)
	n, err2 := strconv.Atoi(text)
	if err != nil || !ours || err2 != nil || n < 0 || strconv.Itoa(n) != text {
		return 0, cloudwatchapi.ErrInvalidNextToken.New("The specified NextToken is invalid.")
	}
	return n, nil
}

// pointPage is the points that one answer has, of all the points of all results in order.
type pointPage struct {
	skip, room int // points before the page, and that it still takes
	left       int // points after it
	ascending  bool
	results    []cloudwatchapi.MetricDataResult
}

// add puts a series' points onto the page, as far as they belong there. Results without points stand on the first page that
// reaches them.
func (p *pointPage) add(id, label string, s *formula.Series) {
	times := s.Times()
	if !p.ascending {
		slices.Reverse(times)
	}
	skipped := min(p.skip, len(times))
	p.skip -= skipped
	if times = times[skipped:]; len(times) == 0 && skipped > 0 || p.left > 0 || p.skip > 0 || len(times) > 0 && p.room == 0 {
		p.left += len(times)
		return
	}
	here := times[:min(p.room, len(times))]
	p.room -= len(here)
	p.left += len(times) - len(here)
	result := cloudwatchapi.MetricDataResult{
		Id: new(id), Label: new(label), StatusCode: new(cloudwatchapi.StatusCodeComplete), Timestamps: []time.Time{}, Values: []float64{},
	}
	if len(here) < len(times) {
		result.StatusCode = new(cloudwatchapi.StatusCodePartialData)
	}
	for _, at := range here {
		result.Timestamps = append(result.Timestamps, time.Unix(at, 0).UTC())
		result.Values = append(result.Values, s.Points[at])
	}
	p.results = append(p.results, result)
}

func parseQueries(call *aws.Call, in []cloudwatchapi.MetricDataQuery) ([]query, error) {
	if len(in) > mostQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than %d.", mostQueries)
	}
	if len(in) == 0 {
		return nil, cloudwatchapi.ErrMissingRequiredParameterException.New("The parameter MetricDataQueries is required.")
	}
	out := make([]query, len(in))
	seen := map[string]bool{}
	for i := range in {
		at := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		if id := *in[i].Id; !idForm.MatchString(id) {
			return nil, invalid("The value %s for parameter %sId is invalid. It must begin with a lowercase letter and have letters, numbers and underscores only.", id, at)
		} else if seen[id] {
			return nil, invalid("The values for parameter id in MetricDataQueries are not unique.")
		}
		seen[*in[i].Id] = true
		var err error
		if out[i], err = parseQuery(call, &in[i], at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseQuery(call *aws.Call, in *cloudwatchapi.MetricDataQuery, at string) (q query, err error) {
	q = query{id: *in.Id, label: in.Label, returned: in.ReturnData == nil || *in.ReturnData}
	switch {
	case in.AccountId != nil && *in.AccountId != call.Account:
		return q, awserr.NotImplemented("cloudwatch GetMetricData AccountId of another account")
	case in.MetricStat != nil && in.Expression != nil:
		return q, combination("The parameters %sExpression and %sMetricStat are mutually exclusive and you have specified both.", at, at)
	case in.MetricStat == nil && in.Expression == nil:
		return q, combination("At least one of the parameters %sExpression and %sMetricStat must be specified.", at, at)
	}
	if err := checkLabel(aws.Val(in.Label), at); err != nil {
		return q, err
	}
	if in.Period != nil {
		if q.period, err = period(*in.Period, at+"Period"); err != nil {
			return q, err
		}
	}
	if in.Expression != nil {
		return q, q.parseExpression(*in.Expression)
	}
	return q, q.parseMetric(call, in.MetricStat, at+"MetricStat.")
}
