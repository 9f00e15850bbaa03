package formula

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"
)

// start is a Sunday; the grid has five minutes.
var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

const gap = math.MaxFloat64 // no value at that minute

func series(id string, values ...float64) *Series {
	s := &Series{ID: id, Label: id, Period: time.Minute, Points: map[int64]float64{}}
	for i, v := range values {
		if v != gap {
			s.Points[start.Unix()+60*int64(i)] = v
		}
	}
	return s
}

func given(all ...*Series) Scope {
	return Scope{
		Metrics: all, From: start, To: start.Add(5 * time.Minute), Period: time.Minute, Budget: new(100_000),
		Named: func(id string) (Value, error) {
			for _, s := range all {
				if s.ID == id {
					return s, nil
				}
			}
			return nil, fmt.Errorf("%w: %s", ErrSyntax, id)
		},
		Search: func(query, statistic string, period time.Duration) ([]*Series, error) {
			return []*Series{series("", 1, 2), {Label: query + statistic + period.String()}}, nil
		},
	}
}

// show writes a result as "1 2 - 4", series separated by "; ".
func show(v Value) string {
	all, ok := v.([]*Series)
	if !ok {
		all = []*Series{v.(*Series)}
	}
	var out []string
	for _, s := range all {
		var values []string
		for i := range 5 {
			text := "-"
			if x, ok := s.Points[start.Unix()+60*int64(i)]; ok {
				text = fmt.Sprintf("%.4g", x)
			}
			values = append(values, text)
		}
		out = append(out, strings.TrimRight(strings.Join(values, " "), " -"))
	}
	return strings.Join(out, "; ")
}

// TestDocumented has the examples of "Using math expressions with CloudWatch metrics".
func TestDocumented(t *testing.T) {
	pair := []*Series{series("metric1", 30, 20, 0, 0), series("metric2", 20, gap, 20, gap)}
	triple := []*Series{series("metric1", 1, 1, 0, 0, gap), series("metric2", 30, gap, 0, 0, 30), series("metric3", 0, 0, 20, gap, 20)}
	for _, c := range []struct {
		of   []*Series
		text string
		want string
	}{
		{pair, "(metric1 < metric2)", "0 0 1 0"},
		{pair, "(metric1 >= 30)", "1 0 0 0"},
		{pair, "(metric1 > 15 AND metric2 > 15)", "1 0 0 0"},
		{pair, "metric1 > 15 && metric2 > 15 || metric1 == 20", "1 1 0 0"},
		{triple, "IF(metric1, metric2, metric3)", "30 0 20"},
		{triple, "IF(metric1, 5, metric3)", "5 5 20"},
		{triple, "IF(metric1, metric2, 5)", "30 0 5 5"},
		{triple, "IF(metric1, metric2)", "30 0"},
		{triple, "IF(1, metric2, metric3)", "30 - 0 0 30"},
		{triple, "IF(0, metric2)", ""},
		{pair, "IF(metric1<25, metric1)", "- 20 0 0"},
		{pair, "IF(metric1<25, 10, 2)", "2 10 10 10"},
	} {
		check(t, given(c.of...), c.text, c.want)
	}
}

func check(t *testing.T, in Scope, source, want string) {
	t.Helper()
	e, err := Parse(source)
	if err != nil {
		t.Errorf("%s: %v", source, err)
		return
	}
	v, err := e.Eval(t.Context(), in)
	if err != nil {
		t.Errorf("%s: %v", source, err)
		return
	}
	if got := show(v); got != want {
		t.Errorf("%s is %q, want %q", source, got, want)
	}
}

func TestFunctions(t *testing.T) {
	in := given(series("m1", 1, 2, gap, 4, 5), series("m2", 10, 0, 30), series("errors4xx", 7))
	for source, want := range map[string]string{
		"m1":                                     "1 2 - 4 5",
		"-m1 + 1":                                "0 -1 - -3 -4",
		"2 ^ 3 ^ 2 * m2 / 512":                   "10 0 30",
		"-2 ^ 2 + m2":                            "6 -4 26",
		"m1 + m2 * 2":                            "21 2 60 4 5",
		"(m1 + m2) * 2":                          "22 4 60 8 10",
		"m1 / m2":                                "0.1 - 0",
		"[m1, m2] - m2":                          "-9 2 -30 4 5; 0 0 0",
		"100 / [m1, m2]":                         "100 50 - 25 20; 10 - 3.333",
		"ABS(m1 - m2)":                           "9 2 30 4 5",
		"CEIL(m1 / 2)":                           "1 1 - 2 3",
		"FLOOR([m1 / 2])":                        "0 1 - 2 2",
		"LOG10(m2)":                              "1 - 1.477",
		"m2 - AVG(m1)":                           "7 -3 27",
		"AVG([m1, m2])":                          "5.5 1 15 2 2.5",
		"MAX([m1, m2])":                          "10 2 30 4 5",
		"MIN(METRICS())":                         "1 0 30 4 5",
		"SUM(METRICS())":                         "18 2 30 4 5",
		`SUM([METRICS("4xx"), m2])`:              "17 0 30",
		"SUM(m1) / DATAPOINT_COUNT(m1) + 0 * m2": "3 3 3",
		"DATAPOINT_COUNT([m1, m2])":              "2 2 1 1 1",
		"m2 / m2 * STDDEV(m2)":                   "12.47 - 12.47",
		"STDDEV([m1, m2])":                       "4.5 1 0 0 0",
		"DIFF(m1)":                               "- 1 - 2 1",
		"DIFF_TIME(m1)":                          "- 60 - 120 60",
		"RATE(m1)":                               "- 0.01667 - 0.01667 0.01667",
		"RUNNING_SUM([m1, m2])":                  "1 3 - 7 12; 10 10 40",
		"FILL(m1, 9)":                            "1 2 9 4 5",
		"FILL(m2, REPEAT)":                       "10 0 30 30 30",
		"FILL([m1, m2], LINEAR)":                 "1 2 3 4 5; 10 0 30",
		"FILL(m1, m2)":                           "1 2 30 4 5",
		"FILL(m2, MIN(m1))":                      "10 0 30 1 1",
		"FIRST(METRICS())":                       "1 2 - 4 5",
		"LAST(METRICS())":                        "7",
		"m1 / METRIC_COUNT(METRICS())":           "0.3333 0.6667 - 1.333 1.667",
		"m1 / PERIOD(m1) * 60":                   "1 2 - 4 5",
		"MINUTE(m2)":                             "0 1 2 3 4",
		"HOUR(m2) + DAY(m2) * 100 + DATE(m2) * 1000":      "1710 1710 1710 1710 1710",
		"MONTH(m2) * 10000 + YEAR(m2) - 2000":             "3.003e+04 3.003e+04 3.003e+04 3.003e+04 3.003e+04",
		"(EPOCH(m1) - 1772359200) / 60":                   "0 1 2 3 4",
		"REMOVE_EMPTY([m1, IF(m1 > 99, m1)])":             "1 2 - 4 5",
		"SLICE(METRICS(), 1)":                             "10 0 30; 7",
		"SLICE(METRICS(), 0, 1)":                          "1 2 - 4 5",
		"SORT(METRICS(), SUM, DESC, 2)":                   "10 0 30; 1 2 - 4 5",
		"SORT(METRICS(), AVG, ASC)":                       "1 2 - 4 5; 7; 10 0 30",
		"TIME_SERIES(MAX(m1))":                            "5 5 5 5 5",
		"SUM(SEARCH('{A,B} x', 'Sum', 60))":               "1 2",
		"IF(FIRST(SORT(METRICS(), AVG, DESC)) > 5, 1, 0)": "1 0 1",
	} {
		in.Budget = new(100_000)
		check(t, in, source, want)
	}
}

func TestRefused(t *testing.T) {
	in := given(series("m1", 1), series("m2", 2))
	for source, want := range map[string]error{
		"":                           ErrSyntax,
		"m1 +":                       ErrSyntax,
		"m1 m2":                      ErrSyntax,
		"(m1":                        ErrSyntax,
		"SUM(m1":                     ErrSyntax,
		"m1 # m2":                    ErrSyntax,
		"m1 = m2":                    ErrSyntax,
		"'m1":                        ErrSyntax,
		"1.2.3 * m1":                 ErrSyntax,
		"m9":                         ErrSyntax,
		"NOTHING(m1)":                ErrSyntax,
		"sum([m1])":                  ErrSyntax,
		strings.Repeat("(", 100):     ErrSyntax,
		"5":                          ErrType,
		"SUM(m1)":                    ErrType,
		"'m1'":                       ErrType,
		"m1 + 'x'":                   ErrType,
		"[m1] + [m2]":                ErrType,
		"[5]":                        ErrType,
		"RATE()":                     ErrType,
		"RATE(m1, m2)":               ErrType,
		"PERIOD(m1 + 1) * m1":        ErrType,
		"FILL(m1, LATER)":            ErrType,
		"SORT([m1], MEDIAN, ASC)":    ErrType,
		"IF(1, 2, 3)":                ErrType,
		"METRIC_COUNT(m1) * m1":      ErrType,
		"ANOMALY_DETECTION_BAND(m1)": ErrMissing,
		"SERVICE_QUOTA(m1)":          ErrMissing,
	} {
		e, err := Parse(source)
		if err == nil {
			_, err = e.Eval(t.Context(), in)
		}
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", source, err, want)
		}
	}
}

// TestBounded: an expression that multiplies its data ends.
func TestBounded(t *testing.T) {
	m := series("m1", 1, 2, 3, 4, 5)
	in := given(m)
	for _, source := range []string{
		"SUM([" + strings.Repeat("m1,", 600) + "m1])",
		"TIME_SERIES(1) + TIME_SERIES(2)",
	} {
		in.Budget, in.To = new(1000), start.AddDate(10, 0, 0)
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Eval(t.Context(), in); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%.20s: %v", source, err)
		}
	}
}

// TestInputsStay: evaluation changes none of the series it is given.
func TestInputsStay(t *testing.T) {
	m := series("m1", 1, 2, gap, 4)
	before := maps.Clone(m.Points)
	check(t, given(m), "FILL(-m1 * 2 + RUNNING_SUM(m1), 1)", "-1 -1 1 -1 1")
	if !maps.Equal(before, m.Points) {
		t.Errorf("%v became %v", before, m.Points)
	}
}

func FuzzParse(f *testing.F) {
	for _, source := range []string{
		"m1/m2*100", "IF(DAY(m1)<6 AND (HOUR(m1)>=9 && HOUR(m1)<17),m1)", `SUM(SEARCH('{AWS/EC2,InstanceId} MetricName="CPU"', 'Average', 300))`,
		"SLICE(SORT(METRICS(), AVG, DESC), 0, 10)", "FILL([m1,m2], LINEAR) ^ -1e-3",
	} {
		f.Add(source)
	}
	in := given(series("m1", 1, 2, gap, 4, 5), series("m2", 10, 0, 30))
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if err != nil {
			return
		}
		in.Budget = new(10_000)
		v, err := e.Eval(t.Context(), in)
		if err != nil {
			return
		}
		all, ok := v.([]*Series)
		if !ok {
			all = []*Series{v.(*Series)}
		}
		for _, s := range all {
			for _, x := range s.Points {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%q gives %v", source, x)
				}
			}
		}
	})
}

// A computation ends with the request it is for, in whatever step that finds it.
func TestEvalEnds(t *testing.T) {
	for _, source := range []string{
		"SEARCH('x', 'Sum')", "-SEARCH('x', 'Sum')", "ABS(SEARCH('x', 'Sum'))", "SUM(SEARCH('x', 'Sum'))", "m1+SEARCH('x', 'Sum')", "SEARCH('x', 'Sum')/m1",
		"SORT(SEARCH('x', 'Sum'), AVG, ASC)", "FILL(SEARCH('x', 'Sum'), 0)", "[m1, SEARCH('x', 'Sum')]",
	} {
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		in := given(series("m1", 1, 2))
		ctx, hangUp := context.WithCancel(t.Context())
		in.Search = func(string, string, time.Duration) ([]*Series, error) {
			hangUp()
			return []*Series{series("", 1, 2)}, nil
		}
		if v, err := e.Eval(ctx, in); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, %v", source, v, err)
		}
	}
	// Inside of a step: after the series that it was at.
	ctx, hangUp := context.WithCancel(t.Context())
	done := 0
	_, err := (&scope{given(), ctx}).all([]*Series{series("a"), series("b"), series("c")}, func(s *Series) *Series {
		done++
		hangUp()
		return s
	})
	if !errors.Is(err, context.Canceled) || done != 1 {
		t.Errorf("%d series were computed, %v", done, err)
	}
}
