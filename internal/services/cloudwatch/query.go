package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/metric/formula"
	"github.com/neargate/neargate/internal/metric/search"
)

// query is one MetricDataQuery: a metric's statistic, or an expression.
type query struct {
	id       string
	label    *string
	period   time.Duration
	returned bool

	expression *formula.Expression

	metric    metric.Metric
	statistic metric.Statistic
	unit      string
}

func (q *query) parseMetric(call *aws.Call, in *cloudwatchapi.MetricStat, at string) (err error) {
	m := in.Metric
	if m.MetricName == nil || m.Namespace == nil {
		return cloudwatchapi.ErrMissingRequiredParameterException.New("The parameters %sMetric.Namespace and %sMetric.MetricName are required.", at, at)
	}
	if q.metric, err = identity(call, m.Namespace, m.MetricName, m.Dimensions, at+"Metric."); err != nil {
		return err
	}
	if q.period, err = period(*in.Period, at+"Period"); err != nil {
		return err
	}
	q.unit = aws.Val(in.Unit)
	if q.statistic, err = metric.ParseStatistic(*in.Stat); err != nil {
		return invalid("The value %s for parameter %sStat is not a valid statistic.", *in.Stat, at)
	}
	return nil
}

func (q *query) parseExpression(text string) (err error) {
	if first, _, _ := strings.Cut(strings.TrimSpace(text), " "); strings.EqualFold(first, "SELECT") {
		return awserr.NotImplemented("cloudwatch GetMetricData Metrics Insights queries")
	}
	if q.expression, err = formula.Parse(text); err != nil {
		return q.failed(err)
	}
	return nil
}

// failed is the error for an expression that can't be computed.
func (q *query) failed(err error) error {
	switch {
	case errors.Is(err, formula.ErrMissing):
		return awserr.Unsupported(fmt.Errorf("cloudwatch GetMetricData: %w", err))
	case errors.Is(err, formula.ErrSyntax), errors.Is(err, formula.ErrType), errors.Is(err, formula.ErrTooMuch), errors.Is(err, search.ErrSyntax):
		return awserr.New(validation, http.StatusBadRequest, "Error in expression '%s': %v", q.id, err)
	}
	return err
}

// title is the label of a result, or of one of several.
func (q *query) title(s *formula.Series, several bool, from origin) string {
	usual := q.metric.Name
	switch {
	case several && s.Label != "":
		usual = s.Label
	case q.expression != nil:
		usual = q.id
	}
	switch label := aws.Val(q.label); {
	case strings.Contains(label, "${"):
		return fill(label, usual, s, from)
	case several && label != "":
		return label + " " + usual
	case several || q.label == nil:
		return usual
	}
	return *q.label
}

// reading computes the queries of one request, each once.
type reading struct {
	ctx      context.Context
	engine   *metric.Engine
	call     *aws.Call
	from, to time.Time
	queries  []query
	math     bool // there are expressions, so that results are looked at again
	budget   int
	done     map[string]formula.Value
	origins  map[*formula.Series]origin // of series that were read, not computed
	open     map[string]bool            // being computed: to find circles
}

func newReading(ctx context.Context, engine *metric.Engine, from, to time.Time, queries []query) *reading {
	r := &reading{
		ctx: ctx, engine: engine, call: aws.From(ctx), from: from, to: to, queries: queries, budget: mostInMath,
		done: map[string]formula.Value{}, origins: map[*formula.Series]origin{}, open: map[string]bool{},
	}
	for i := range queries {
		r.math = r.math || queries[i].expression != nil
	}
	return r
}

// result is a query's series, or array of them.
func (r *reading) result(q *query) (v formula.Value, err error) {
	if v, ok := r.done[q.id]; ok {
		return v, nil
	}
	if q.expression == nil {
		v, err = r.read(q.metric, q.unit, q.statistic, q.period)
	} else {
		v, err = r.compute(q)
	}
	if err != nil {
		return nil, err
	}
	if s, ok := v.(*formula.Series); ok && q.expression == nil {
		s.ID, s.Label = q.id, q.title(s, false, r.origins[s])
	}
	if r.math {
		r.done[q.id] = v
	}
	return v, nil
}

func (r *reading) read(m metric.Metric, unit string, statistic metric.Statistic, every time.Duration) (*formula.Series, error) {
	all, err := r.engine.ReadAll(r.ctx, m, unit, metric.Align(r.from, r.to, every, r.call.Now))
	if err != nil {
		return nil, err
	}
	s := &formula.Series{Period: every, Points: make(map[int64]float64, len(all))}
	for i := range all {
		if v, ok := statistic.Of(&all[i].Point); ok {
			s.Points[all[i].At.Unix()] = v
		}
	}
	r.origins[s] = origin{m, statistic.Name}
	if r.math {
		if r.budget -= len(s.Points); r.budget < 0 {
			return nil, invalid("The metrics of the expressions have more than %d datapoints in the time range.", mostInMath)
		}
	}
	return s, nil
}

// release forgets a series that is on its page, unless an expression may look at it again.
func (r *reading) release(s *formula.Series) {
	if !r.math {
		delete(r.origins, s)
	}
}

func (r *reading) compute(q *query) (formula.Value, error) {
	if r.open[q.id] {
		return nil, q.failed(fmt.Errorf("%w: it refers to itself", formula.ErrSyntax))
	}
	r.open[q.id] = true
	defer delete(r.open, q.id)
	every := q.period
	if every == 0 {
		every = r.shortest(q.expression)
	}
	w := metric.Align(r.from, r.to, every, r.call.Now)
	in := formula.Scope{Named: r.named, Search: r.search, From: w.From, To: w.To, Period: every, Budget: &r.budget}
	if q.expression.Calls("METRICS") {
		for i := range r.queries {
			if m := &r.queries[i]; m.expression == nil {
				v, err := r.result(m)
				if err != nil {
					return nil, err
				}
				in.Metrics = append(in.Metrics, v.(*formula.Series))
			}
		}
	}
	v, err := q.expression.Eval(r.ctx, in)
	if err != nil {
		return nil, q.failed(err)
	}
	return v, nil
}

// shortest is the shortest period of the metrics an expression names, else of all there are, else a minute.
func (r *reading) shortest(e *formula.Expression) time.Duration {
	named := map[string]bool{}
	for _, id := range e.Names() {
		named[id] = true
	}
	var of, all time.Duration
	for i := range r.queries {
		q := &r.queries[i]
		if q.period == 0 {
			continue
		}
		if all == 0 || q.period < all {
			all = q.period
		}
		if named[q.id] && (of == 0 || q.period < of) {
			of = q.period
		}
	}
	switch {
	case of > 0:
		return of
	case all > 0:
		return all
	}
	return time.Minute
}

func (r *reading) named(id string) (formula.Value, error) {
	for i := range r.queries {
		if r.queries[i].id == id {
			return r.result(&r.queries[i])
		}
	}
	return nil, fmt.Errorf("%w: there is no query with id %s", formula.ErrSyntax, id)
}

// mostFound is how many time series a search brings.
const mostFound = 500

func (r *reading) search(text, statistic string, every time.Duration) ([]*formula.Series, error) {
	q, err := search.Parse(text)
	if err != nil {
		return nil, err
	}
	stat, err := metric.ParseStatistic(statistic)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", formula.ErrType, err)
	}
	if _, err := period(int32(every/time.Second), "Period"); err != nil {
		return nil, fmt.Errorf("%w: bad period", formula.ErrType)
	}
	found, err := r.engine.List(r.ctx, metric.Filter{
		Account: r.call.Account, Region: r.call.Region, Namespace: q.Namespace(), Match: q.Match, Since: r.call.Now.Add(-listSince),
	})
	if err != nil {
		return nil, err
	}
	out := []*formula.Series{}
	for _, m := range found[:min(len(found), mostFound)] {
		s, err := r.read(m, "", stat, every)
		if err != nil {
			return nil, err
		}
		s.Label = describeMetric(m)
		out = append(out, s)
	}
	return out, nil
}

// describeMetric tells metrics of a search apart: the values of the dimensions, then the name.
func describeMetric(m metric.Metric) string {
	var parts []string
	for _, d := range m.Dimensions {
		parts = append(parts, d.Value)
	}
	return strings.Join(append(parts, m.Name), " ")
}
