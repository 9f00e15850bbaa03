package cloudwatch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/metric"
)

// now is what the tests' requests take for the time; data are put around it.
var now = time.Now().UTC().Truncate(time.Hour).Add(-time.Minute)

func open(t testing.TB) (*Service, context.Context) {
	t.Helper()
	engine, err := metric.Open(context.Background(), metric.Config{Path: filepath.Join(t.TempDir(), "metrics.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return New(engine), aws.With(context.Background(), &aws.Call{Account: "000000000000", Region: "us-east-1", Now: now})
}

// want checks an error's code; an empty one means success.
func want(t *testing.T, what string, err error, code string) {
	t.Helper()
	var e *awserr.Error
	switch {
	case err == nil && code == "":
	case errors.As(err, &e) && e.Code == code:
	default:
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

func put(t testing.TB, s *Service, ctx context.Context, data ...cloudwatchapi.MetricDatum) {
	t.Helper()
	if _, err := s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App"), MetricData: data}); err != nil {
		t.Fatal(err)
	}
}

// minute is a value of a metric at a minute after the hour before now.
func minute(name string, i int, value float64) cloudwatchapi.MetricDatum {
	return cloudwatchapi.MetricDatum{MetricName: new(name), Value: new(value), Timestamp: new(hour().Add(time.Duration(i) * time.Minute))}
}

func hour() time.Time { return now.Truncate(time.Hour) }

func TestPutRefuses(t *testing.T) {
	s, ctx := open(t)
	many := func(n int) []float64 { return make([]float64, n) }
	for what, c := range map[string]struct {
		code   string
		change func(d *cloudwatchapi.MetricDatum)
	}{
		"a value":            {"", func(*cloudwatchapi.MetricDatum) {}},
		"the largest":        {"", func(d *cloudwatchapi.MetricDatum) { d.Value = new(math.Pow(2, 360)) }},
		"too large":          {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value = new(math.Pow(2, 361)) }},
		"not a number":       {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value = new(math.NaN()) }},
		"infinity":           {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value = new(math.Inf(-1)) }},
		"nothing":            {"InvalidParameterCombination", func(d *cloudwatchapi.MetricDatum) { d.Value = nil }},
		"two kinds":          {"InvalidParameterCombination", func(d *cloudwatchapi.MetricDatum) { d.Values = many(1) }},
		"150 values":         {"", func(d *cloudwatchapi.MetricDatum) { d.Value, d.Values = nil, many(150) }},
		"151 values":         {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value, d.Values = nil, many(151) }},
		"fewer counts":       {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value, d.Values, d.Counts = nil, many(2), many(1) }},
		"NaN among values":   {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value, d.Values = nil, []float64{1, math.NaN()} }},
		"negative count":     {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Value, d.Values, d.Counts = nil, many(1), []float64{-1} }},
		"resolution":         {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.StorageResolution = new(int32(30)) }},
		"two weeks ago":      {"", func(d *cloudwatchapi.MetricDatum) { d.Timestamp = new(now.Add(-14 * 24 * time.Hour)) }},
		"longer ago":         {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Timestamp = new(now.Add(-14*24*time.Hour - time.Second)) }},
		"two hours ahead":    {"", func(d *cloudwatchapi.MetricDatum) { d.Timestamp = new(now.Add(2 * time.Hour)) }},
		"further ahead":      {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.Timestamp = new(now.Add(2*time.Hour + time.Second)) }},
		"control characters": {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) { d.MetricName = new("a\x01b") }},
		"other than ASCII": {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) {
			d.Dimensions = []cloudwatchapi.Dimension{{Name: new("d"), Value: new("é")}}
		}},
		"a dimension of space": {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) {
			d.Dimensions = []cloudwatchapi.Dimension{{Name: new("d"), Value: new(" ")}}
		}},
		"a dimension twice": {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) {
			d.Dimensions = []cloudwatchapi.Dimension{{Name: new("d"), Value: new("1")}, {Name: new("d"), Value: new("2")}}
		}},
		"statistics": {"", func(d *cloudwatchapi.MetricDatum) {
			d.Value, d.StatisticValues = nil, &cloudwatchapi.StatisticSet{SampleCount: new(2.0), Sum: new(3.0), Minimum: new(1.0), Maximum: new(2.0)}
		}},
		"statistics upside down": {"InvalidParameterValue", func(d *cloudwatchapi.MetricDatum) {
			d.Value, d.StatisticValues = nil, &cloudwatchapi.StatisticSet{SampleCount: new(2.0), Sum: new(3.0), Minimum: new(2.0), Maximum: new(1.0)}
		}},
	} {
		d := cloudwatchapi.MetricDatum{MetricName: new("m"), Value: new(1.0)}
		c.change(&d)
		_, err := s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App"), MetricData: []cloudwatchapi.MetricDatum{d}})
		want(t, what, err, c.code)
	}
	data := make([]cloudwatchapi.MetricDatum, 1001)
	for i := range data {
		data[i] = minute("m", 0, 1)
	}
	_, err := s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App"), MetricData: data})
	want(t, "1,001 data", err, "InvalidParameterValue")
	_, err = s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App"), MetricData: data[:1000]})
	want(t, "1,000 data", err, "")
	_, err = s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("AWS/ECS"), MetricData: data[:1]})
	want(t, "a namespace of AWS", err, "InvalidParameterValue")
	_, err = s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App")})
	want(t, "no data", err, "MissingParameter")
}

// TestPutAllOrNothing: one bad datum keeps the others out.
func TestPutAllOrNothing(t *testing.T) {
	s, ctx := open(t)
	_, err := s.PutMetricData(ctx, &cloudwatchapi.PutMetricDataInput{Namespace: new("App"), MetricData: []cloudwatchapi.MetricDatum{minute("good", 0, 1), minute("bad", 0, math.NaN())}})
	want(t, "one bad", err, "InvalidParameterValue")
	out, err := s.ListMetrics(ctx, &cloudwatchapi.ListMetricsInput{})
	if err != nil || len(out.Metrics) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestStatistics(t *testing.T) {
	s, ctx := open(t)
	latency := cloudwatchapi.MetricDatum{
		MetricName: new("Latency"), Unit: new("Milliseconds"), Timestamp: new(hour()), Values: []float64{10, 20, 30}, Counts: []float64{5, 4, 1},
	}
	other := minute("Latency", 1, 7)
	put(t, s, ctx, latency, other)
	read := func(change func(in *cloudwatchapi.GetMetricStatisticsInput)) (*cloudwatchapi.GetMetricStatisticsOutput, error) {
		in := &cloudwatchapi.GetMetricStatisticsInput{
			Namespace: new("App"), MetricName: new("Latency"), StartTime: new(hour().Add(59 * time.Second)), EndTime: new(hour().Add(time.Hour)),
			Period: new(int32(60)), Statistics: []string{"SampleCount", "Sum", "Average", "Minimum", "Maximum"},
		}
		change(in)
		return s.GetMetricStatistics(ctx, in)
	}
	out, err := read(func(*cloudwatchapi.GetMetricStatisticsInput) {})
	if err != nil || len(out.Datapoints) != 2 || *out.Label != "Latency" {
		t.Fatalf("%+v, %v", out, err)
	}
	d := out.Datapoints[0]
	if *d.SampleCount != 10 || *d.Sum != 160 || *d.Average != 16 || *d.Minimum != 10 || *d.Maximum != 30 || *d.Unit != "Milliseconds" || !d.Timestamp.Equal(hour()) {
		t.Errorf("%+v", d)
	}
	out, err = read(func(in *cloudwatchapi.GetMetricStatisticsInput) {
		in.Unit, in.Statistics, in.ExtendedStatistics = new("Milliseconds"), nil, []string{"p50", "p90.01", "tm90", "PR(:20)"}
	})
	if err != nil || len(out.Datapoints) != 1 || fmt.Sprint(out.Datapoints[0].ExtendedStatistics) != "map[PR(:20):90 p50:10 p90.01:30 tm90:14.444444444444445]" {
		t.Errorf("%+v, %v", out, err)
	}
	for what, c := range map[string]struct {
		code   string
		change func(in *cloudwatchapi.GetMetricStatisticsInput)
	}{
		"45 seconds":   {"InvalidParameterValue", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Period = new(int32(45)) }},
		"90 seconds":   {"InvalidParameterValue", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Period = new(int32(90)) }},
		"backwards":    {"InvalidParameterValue", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.EndTime = in.StartTime }},
		"1,440 points": {"", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.EndTime = new(hour().Add(24 * time.Hour)) }},
		"1,441 points": {"InvalidParameterCombination", func(in *cloudwatchapi.GetMetricStatisticsInput) {
			in.EndTime = new(hour().Add(24*time.Hour + time.Second))
		}},
		"both":    {"InvalidParameterCombination", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"p99"} }},
		"neither": {"InvalidParameterCombination", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Statistics = nil }},
		"unknown statistic": {"InvalidParameterValue", func(in *cloudwatchapi.GetMetricStatisticsInput) {
			in.Statistics, in.ExtendedStatistics = nil, []string{"p101"}
		}},
		"unknown metric": {"", func(in *cloudwatchapi.GetMetricStatisticsInput) { in.MetricName = new("None") }},
	} {
		_, err := read(c.change)
		want(t, what, err, c.code)
	}
}

func TestListMetrics(t *testing.T) {
	s, ctx := open(t)
	var data []cloudwatchapi.MetricDatum
	for i := range 700 {
		d := minute("m", 0, 1)
		d.Dimensions = []cloudwatchapi.Dimension{{Name: new("Host"), Value: new(fmt.Sprintf("h%03d", i))}}
		data = append(data, d)
	}
	old := minute("old", 0, 1)
	old.Timestamp = new(now.Add(-4 * time.Hour))
	put(t, s, ctx, append(data, old)...)
	count := func(in *cloudwatchapi.ListMetricsInput) (n int) {
		for {
			out, err := s.ListMetrics(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			if n += len(out.Metrics); out.NextToken == nil {
				return n
			}
			if len(out.Metrics) != 500 {
				t.Errorf("a page of %d", len(out.Metrics))
			}
			in.NextToken = out.NextToken
		}
	}
	for _, c := range []struct {
		in   cloudwatchapi.ListMetricsInput
		want int
	}{
		{cloudwatchapi.ListMetricsInput{}, 701},
		{cloudwatchapi.ListMetricsInput{Namespace: new("App")}, 701},
		{cloudwatchapi.ListMetricsInput{Namespace: new("Ap")}, 0},
		{cloudwatchapi.ListMetricsInput{MetricName: new("old")}, 1},
		{cloudwatchapi.ListMetricsInput{RecentlyActive: new("PT3H")}, 700},
		{cloudwatchapi.ListMetricsInput{Dimensions: []cloudwatchapi.DimensionFilter{{Name: new("Host")}}}, 700},
		{cloudwatchapi.ListMetricsInput{Dimensions: []cloudwatchapi.DimensionFilter{{Name: new("Host"), Value: new("h007")}}}, 1},
	} {
		if got := count(&c.in); got != c.want {
			t.Errorf("%+v: %d metrics, want %d", c.in, got, c.want)
		}
	}
}

func stat(id, name, statistic string, seconds int32) cloudwatchapi.MetricDataQuery {
	return cloudwatchapi.MetricDataQuery{Id: new(id), MetricStat: &cloudwatchapi.MetricStat{
		Metric: &cloudwatchapi.Metric{Namespace: new("App"), MetricName: new(name)}, Period: new(seconds), Stat: new(statistic),
	}}
}

func math1(id, expression string) cloudwatchapi.MetricDataQuery {
	return cloudwatchapi.MetricDataQuery{Id: new(id), Expression: new(expression)}
}

func TestData(t *testing.T) {
	s, ctx := open(t)
	for i := range 10 {
		put(t, s, ctx, minute("Requests", i, 100), minute("Requests", i, float64(i)))
		if i%2 == 0 {
			put(t, s, ctx, minute("Errors", i, float64(i)))
		}
	}
	ask := func(queries ...cloudwatchapi.MetricDataQuery) (*cloudwatchapi.GetMetricDataOutput, error) {
		return s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{
			MetricDataQueries: queries, StartTime: new(hour()), EndTime: new(hour().Add(10 * time.Minute)), ScanBy: new("TimestampAscending"),
		})
	}
	errors := stat("errors", "Errors", "Sum", 60)
	errors.ReturnData = new(false)
	out, err := ask(stat("requests", "Requests", "Sum", 300), stat("m1", "Requests", "Sum", 60), errors,
		math1("rate", "errors / m1 * 100"), math1("filled", "FILL(errors, 0)"), math1("twice", "filled * 2"),
		math1("found", `SEARCH('{App} MetricName="Errors"', 'Sum', 300)`), math1("all", "SUM(METRICS())"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range out.MetricDataResults {
		if len(r.Timestamps) != len(r.Values) || *r.StatusCode != "Complete" {
			t.Errorf("%+v", r)
		}
		got[*r.Id] += fmt.Sprintf("%s %.4g", *r.Label, r.Values)
	}
	for id, text := range map[string]string{
		"requests": "Requests [510 535]",
		"rate":     "rate [0 0 1.961 0 3.846 0 5.66 0 7.407 0]",
		"filled":   "filled [0 0 2 0 4 0 6 0 8 0]",
		"twice":    "twice [0 0 4 0 8 0 12 0 16 0]",
		"found":    "Errors [6 14]",
		"errors":   "",
		"all":      "all [610 101 104 103 108 640 112 107 116 109]",
	} {
		if got[id] != text {
			t.Errorf("%s is %q, want %q", id, got[id], text)
		}
	}
	for what, c := range map[string]struct {
		code    string
		queries []cloudwatchapi.MetricDataQuery
	}{
		"id twice":        {"ValidationError", []cloudwatchapi.MetricDataQuery{stat("a", "m", "Sum", 60), stat("a", "m", "Sum", 60)}},
		"capital id":      {"ValidationError", []cloudwatchapi.MetricDataQuery{stat("A", "m", "Sum", 60)}},
		"statistic":       {"ValidationError", []cloudwatchapi.MetricDataQuery{stat("a", "m", "Median", 60)}},
		"period":          {"ValidationError", []cloudwatchapi.MetricDataQuery{stat("a", "m", "Sum", 61)}},
		"neither":         {"ValidationError", []cloudwatchapi.MetricDataQuery{{Id: new("a")}}},
		"both":            {"ValidationError", []cloudwatchapi.MetricDataQuery{{Id: new("a"), Expression: new("b"), MetricStat: stat("a", "m", "Sum", 60).MetricStat}}},
		"syntax":          {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "1 +")}},
		"scalar":          {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "1 + 1")}},
		"unknown id":      {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "b")}},
		"circle":          {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "b"), math1("b", "a")}},
		"search":          {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "SEARCH('(', 'Sum', 60)")}},
		"search period":   {"ValidationError", []cloudwatchapi.MetricDataQuery{math1("a", "SEARCH('x', 'Sum', 61)")}},
		"insights":        {"NotImplemented", []cloudwatchapi.MetricDataQuery{math1("a", "SELECT AVG(x) FROM y")}},
		"anomalies":       {"NotImplemented", []cloudwatchapi.MetricDataQuery{stat("m", "m", "Sum", 60), math1("a", "ANOMALY_DETECTION_BAND(m)")}},
		"label of a time": {"NotImplemented", []cloudwatchapi.MetricDataQuery{{Id: new("a"), Expression: new("TIME_SERIES(1)"), Label: new("${MAX_TIME}")}}},
		"labels of many":  {"ValidationError", []cloudwatchapi.MetricDataQuery{{Id: new("a"), Expression: new("TIME_SERIES(1)"), Label: new("${LABEL}${LABEL}")}}},
		"another account": {"NotImplemented", []cloudwatchapi.MetricDataQuery{{Id: new("a"), Expression: new("TIME_SERIES(1)"), AccountId: new("111111111111")}}},
	} {
		_, err := ask(c.queries...)
		want(t, what, err, c.code)
	}
	_, err = ask(stat("m", "m", "Sum", 60), math1("a", "ANOMALY_DETECTION_BAND(m)"))
	if says := "does not implement this yet: cloudwatch GetMetricData: missing function ANOMALY_DETECTION_BAND"; err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %s", err, says)
	}
	for what, c := range map[string]struct {
		end   time.Time
		stat  string
		words string
	}{
		"no time":       {hour(), "Sum", "The parameter StartTime must not equal parameter EndTime."},
		"backwards":     {hour().Add(-time.Minute), "Sum", "The parameter StartTime must be less than the parameter EndTime."},
		"which of them": {now, "Min", "The value Min for parameter MetricDataQueries.member.2.MetricStat.Stat is not a valid statistic."},
	} {
		_, err := s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{
			MetricDataQueries: []cloudwatchapi.MetricDataQuery{stat("a", "m", "Sum", 60), stat("b", "m", c.stat, 60)}, StartTime: new(hour()), EndTime: &c.end,
		})
		if want(t, what, err, "ValidationError"); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Squaring an array again and again is more than a request may compute.
	big := []cloudwatchapi.MetricDataQuery{math1("e0", "["+strings.Repeat("TIME_SERIES(1),", 100)+"TIME_SERIES(1)]")}
	for i := range 300 {
		big = append(big, math1(fmt.Sprintf("e%d", i+1), fmt.Sprintf("[e%d,e%d,e%d]", i, i, i)))
	}
	_, err = ask(big...)
	want(t, "a bomb", err, "ValidationError")
}

func TestLabels(t *testing.T) {
	s, ctx := open(t)
	for i, v := range []float64{4, 1, 9.5} {
		d := minute("Requests", i, v)
		d.Dimensions = []cloudwatchapi.Dimension{{Name: new("Host"), Value: new("a")}}
		put(t, s, ctx, d)
	}
	query := stat("m1", "Requests", "Sum", 60)
	query.MetricStat.Metric.Dimensions = []cloudwatchapi.Dimension{{Name: new("Host"), Value: new("a")}}
	found := math1("s", `SEARCH('{App,Host}', 'Sum', 60)`)
	both := math1("b", "[m1, m1 * 2]")
	sum := math1("e", "m1 + 1")
	for _, c := range []struct {
		query cloudwatchapi.MetricDataQuery
		label *string
		want  string
	}{
		{query, nil, "Requests"},
		{query, new("mine"), "mine"},
		{query, new(""), ""},
		{query, new("${LABEL}: ${MIN}-${MAX}, ${AVG} of ${DATAPOINT_COUNT}"), "Requests: 1-9.5, 4.83333 of 3"},
		{query, new("${FIRST} ${LAST} ${SUM} ${FIRST_LAST_RANGE} ${MIN_MAX_RANGE}"), "4 9.5 14.5 5.5 8.5"},
		{query, new("${PROP('Namespace')}/${PROP('MetricName')} ${PROP('Dim.Host')} ${PROP('Stat')} ${PROP('Period')} ${PROP('Region')}"), "App/Requests a Sum 60 us-east-1"},
		{found, nil, "a Requests"},
		{found, new("all"), "all a Requests"},
		{found, new("[max: ${MAX} of ${LABEL} at ${PROP('Dim.Host')}]"), "[max: 9.5 of a Requests at a]"},
		{both, new("b"), "b Requests|b Requests"},
		{sum, nil, "e"},
		{sum, new("${LABEL} ${LAST}"), "e 10.5"},
	} {
		c.query.Label = c.label
		queries := []cloudwatchapi.MetricDataQuery{c.query}
		if *c.query.Id != "m1" {
			hidden := query
			hidden.ReturnData = new(false)
			queries = append(queries, hidden)
		}
		out, err := s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{MetricDataQueries: queries, StartTime: new(hour()), EndTime: new(now)})
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, r := range out.MetricDataResults {
			got = append(got, *r.Label)
		}
		if text := strings.Join(got, "|"); text != c.want {
			t.Errorf("label %q is %q, want %q", aws.Val(c.label), text, c.want)
		}
	}
}

// TestDataPages: pages follow each other without a point twice or missing, in both orders.
func TestDataPages(t *testing.T) {
	s, ctx := open(t)
	for i := range 10 {
		put(t, s, ctx, minute("a", i, float64(i)), minute("b", i, 100+float64(i)))
	}
	for _, c := range []struct{ order, want string }{
		{"TimestampAscending", "0 1 2 3 4 5 6 7 8 9 100 101 102 103 104 105 106 107 108 109"},
		{"TimestampDescending", "9 8 7 6 5 4 3 2 1 0 109 108 107 106 105 104 103 102 101 100"},
	} {
		for most := int32(1); most <= 21; most++ {
			in := &cloudwatchapi.GetMetricDataInput{
				MetricDataQueries: []cloudwatchapi.MetricDataQuery{stat("a", "a", "Sum", 60), stat("none", "none", "Sum", 60), stat("b", "b", "Sum", 60)},
				StartTime:         new(hour()), EndTime: new(now), ScanBy: new(c.order), MaxDatapoints: &most,
			}
			var got []string
			for pages := 0; ; pages++ {
				out, err := s.GetMetricData(ctx, in)
				if err != nil || pages > 20 {
					t.Fatal(err)
				}
				here := 0
				for _, r := range out.MetricDataResults {
					for _, v := range r.Values {
						got = append(got, fmt.Sprint(v))
						here++
					}
				}
				if out.NextToken == nil {
					break
				}
				if here != int(most) {
					t.Errorf("a page of %d, not %d", here, most)
				}
				in.NextToken = out.NextToken
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s by %d: %s", c.order, most, text)
			}
		}
	}
	_, err := s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{
		MetricDataQueries: []cloudwatchapi.MetricDataQuery{stat("a", "a", "Sum", 60)}, StartTime: new(hour()), EndTime: new(now), NextToken: new("x"),
	})
	want(t, "a token of somebody else", err, "InvalidNextToken")
	_, err = s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{
		MetricDataQueries: []cloudwatchapi.MetricDataQuery{stat("a", "a", "Sum", 60)}, StartTime: new(hour()), EndTime: new(now),
		NextToken: new(base64.RawURLEncoding.EncodeToString([]byte(tokenMark + "+5"))),
	})
	want(t, "a token nobody gave", err, "InvalidNextToken")
}

func BenchmarkPutMetricData(b *testing.B) {
	s, ctx := open(b)
	for b.Loop() {
		put(b, s, ctx, minute("m", 0, 1))
	}
}

// A client that hangs up ends its request, whether the search finds much or nothing.
func TestHangUp(t *testing.T) {
	s, ctx := open(t)
	put(t, s, ctx, minute("Requests", 0, 1), minute("Errors", 0, 1))
	ctx, hangUp := context.WithCancel(ctx)
	hangUp()
	for _, search := range []string{`SEARCH('{App}', 'Sum', 60)`, `SEARCH('{Other}', 'Sum', 60)`} {
		_, err := s.GetMetricData(ctx, &cloudwatchapi.GetMetricDataInput{MetricDataQueries: []cloudwatchapi.MetricDataQuery{math1("s", search)}, StartTime: new(hour()), EndTime: new(now)})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", search, err)
		}
	}
	if _, err := s.ListMetrics(ctx, &cloudwatchapi.ListMetricsInput{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ListMetrics: %v", err)
	}
}
