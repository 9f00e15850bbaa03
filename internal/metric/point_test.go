package metric

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b))
}

func same(a, b Point) bool {
	return near(a.Count, b.Count) && near(a.Sum, b.Sum) && a.Min == b.Min && a.Max == b.Max && a.opaque == b.opaque && reflect.DeepEqual(a.values, b.values)
}

// drawValues are positive values over many orders of magnitude, few or many, with repetitions.
func drawValues(t *rapid.T) []float64 {
	unit := rapid.SampledFrom([]float64{1, 0.001, 1e9}).Draw(t, "unit")
	top := rapid.SampledFrom([]int{3, 1000, 1 << 30}).Draw(t, "top")
	ints := rapid.SliceOfN(rapid.IntRange(0, top), 1, 3000).Draw(t, "values")
	out := make([]float64, len(ints))
	for i, n := range ints {
		out[i] = float64(n) * unit
	}
	return out
}

// TestSplit: however values are split into points, and in whatever order those are merged, the whole is the same.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		whole := Values(values, nil)
		parts := make([]Point, rapid.IntRange(1, 9).Draw(t, "parts"))
		for _, v := range values {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add(Value(v, 1))
		}
		var merged Point
		for _, p := range rapid.Permutation(parts).Draw(t, "order") {
			back, err := parsePoint(appendPoint(nil, &p))
			if p.Count > 0 && (err != nil || !same(back, p)) {
				t.Fatalf("%+v came back as %+v, %v", p, back, err)
			}
			merged.Add(p)
		}
		if !same(whole, merged) {
			t.Fatalf("whole %+v, merged %+v", whole, merged)
		}
	})
}

// TestPercentilesWithinBound: a percentile is within 1 % of the true one where values span eight octaves, within 3.2 % for
// any thirty-two, and the true one where there are few values.
func TestPercentilesWithinBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		p := Values(values, nil)
		sorted := slices.Sorted(slices.Values(values))
		x := rapid.Float64Range(0, 100).Draw(t, "percentile")
		got, ok := p.percentile(x)
		rank := max(1, int(math.Ceil(x/100*float64(len(sorted))-1e-9)))
		want := sorted[rank-1]
		if x == 100 {
			want = sorted[len(sorted)-1]
		}
		bound := 0.032
		distinct := len(slices.Compact(slices.Clone(sorted)))
		switch {
		case distinct <= exactCells:
			bound = 0
		case sorted[0] > 0 && sorted[len(sorted)-1] <= 256*sorted[0]:
			bound = 0.01
		}
		if !ok || math.Abs(got-want) > bound*want {
			t.Fatalf("p%v of %d values (%d cells, shift %d) is %v, want %v", x, len(values), len(p.values.cells), p.values.shift, got, want)
		}
	})
}

func TestStatistics(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	ten := Values([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 100}, nil)
	counted := Values([]float64{10, 20, 30}, []float64{5, 4, 1})
	whole := Values(hundred, nil)
	for _, c := range []struct {
		name string
		of   Point
		want float64
	}{
		{"SampleCount", counted, 10},
		{"Sum", counted, 160},
		{"Average", counted, 16},
		{"Minimum", counted, 10},
		{"Maximum", counted, 30},
		{"p0", whole, 1},
		{"p50", whole, 50},
		{"p99", whole, 99},
		{"p99.9", whole, 100},
		{"p100", whole, 100},
		{"p50", counted, 10},
		{"p90", counted, 20},
		{"p90.01", counted, 30},
		{"tm90", ten, 5},
		{"tc90", ten, 9},
		{"ts90", ten, 45},
		{"wm90", ten, 5.4},
		{"TM(10%:90%)", ten, 5.5},
		{"TS(80%:)", ten, 109},
		{"TC(2:4)", ten, 2},
		{"TM(2:4)", ten, 3.5},
		{"TC(:0.5)", ten, 0},
		{"TS(8:)", ten, 109},
		{"WM(10%:90%)", ten, 5.4},
		{"WM(3:7)", ten, 5.2},
		{"PR(:3)", ten, 30},
		{"PR(3:9)", ten, 60},
		{"PR(9:)", ten, 10},
		{"IQM", whole, 50.5},
		{"p99", Statistics(3, 21, 7, 7), 7},
		{"p99", Statistics(1, 7, 7, 7), 7},
	} {
		s, err := ParseStatistic(c.name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, ok := s.Of(&c.of); !ok || !near(got, c.want) {
			t.Errorf("%s is %v, %v, want %v", c.name, got, ok, c.want)
		}
	}
}

func TestNoStatistic(t *testing.T) {
	for _, name := range []string{
		"", "sum", "p", "p101", "p1.12345678901", "P50", "TM90", "tm(1:2)", "TM()", "TM(:)", "TM(5%:10)", "TM(90%:10%)", "PR(5%:)", "PR90", "iqm", "p-1", "p+1", "p099", "tm100.5",
	} {
		if s, err := ParseStatistic(name); err == nil {
			t.Errorf("%q is taken for %s", name, s.Name)
		}
	}
	p99, err := ParseStatistic("p99")
	if err != nil {
		t.Fatal(err)
	}
	tm, err := ParseStatistic("TM(500:)")
	if err != nil {
		t.Fatal(err)
	}
	negative := Value(1, 1)
	negative.Add(Value(-1, 1))
	for _, c := range []struct {
		s  Statistic
		of Point
	}{{p99, Statistics(2, 3, 1, 2)}, {p99, negative}, {p99, Point{}}, {tm, Value(1, 1)}} {
		if got, ok := c.s.Of(&c.of); ok {
			t.Errorf("%s of %+v is %v", c.s.Name, c.of, got)
		}
	}
}

func TestSampled(t *testing.T) {
	p := Sampled([]float64{10, 20}, []float64{1, 1}, 44)
	if p.Sum != 44 || p.Min != 10 || p.Max != 22 {
		t.Errorf("%+v", p)
	}
	if p := Sampled(nil, nil, 3); p.Count != 0 || p.Sum != 0 {
		t.Errorf("of nothing: %+v", p)
	}
}

func FuzzPoint(f *testing.F) {
	for _, p := range []Point{Value(1, 1), Value(-3, 2), Statistics(2, 3, 1, 2), Values([]float64{1, 2.5, 1e9}, []float64{1, 2, 3})} {
		f.Add(appendPoint(nil, &p))
	}
	many := Value(1, 1)
	for i := range 5000 {
		many.Add(Value(float64(i)*1.7, 1))
	}
	f.Add(appendPoint(nil, &many))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := parsePoint(content)
		if err != nil {
			return
		}
		p.percentile(50)
		p.Add(p)
	})
}

func FuzzStatistic(f *testing.F) {
	for _, name := range []string{"Sum", "p99.9", "TM(10%:90%)", "PR(:300)", "IQM", "wm98"} {
		f.Add(name)
	}
	p := Values([]float64{1, 2, 3}, nil)
	f.Fuzz(func(t *testing.T, name string) {
		if s, err := ParseStatistic(name); err == nil {
			if v, ok := s.Of(&p); ok && math.IsNaN(v) {
				t.Errorf("%s is not a number", name)
			}
		}
	})
}
