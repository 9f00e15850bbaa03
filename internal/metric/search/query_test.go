package search

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/metric"
)

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"CustomCount1": "custom count 1", "SDBFailure": "sdb failure", "Project2-trial333": "project 2 trial 333",
		"Network-Errors_2": "network errors 2", "": "", "AWS/EC2": "aws ec 2", "i-0a": "i 0 a",
	} {
		got, _ := words(name)
		if text := strings.ToLower(strings.Join(got, " ")); text != want {
			t.Errorf("%s is %q, want %q", name, text, want)
		}
	}
}

// TestPartial has the examples of "CloudWatch search expression syntax".
func TestPartial(t *testing.T) {
	for _, c := range []struct {
		term, name string
		want       bool
	}{
		{"count", "CustomCount1", true},
		{"Count", "CustomCount1", true},
		{"COUNT", "CustomCount1", true},
		{"couNT", "CustomCount1", false},
		{"CustomCount", "CustomCount1", true},
		{"Count1", "CustomCount1", true},
		{"customcount", "CustomCount1", false},
		{"count1", "CustomCount1", false},
		{"network/errors", "Network-Errors-2", true},
		{"network+errors", "NetworkErrors2", true},
		{"Network_Errors", "NetworkErrors2", true},
		{"micro", "t2.micro", true},
		{"cro", "t2.micro", false},
	} {
		if got := newFinder(c.term).in(names{}.cut(c.name)); got != c.want {
			t.Errorf("%s finds %s: %v", c.term, c.name, got)
		}
	}
}

func TestMatch(t *testing.T) {
	all := map[string]*metric.Metric{
		"cpu":    {Namespace: "AWS/EC2", Name: "CPUUtilization", Dimensions: []metric.Dimension{{Name: "InstanceId", Value: "i-1234567890123456"}}},
		"type":   {Namespace: "AWS/EC2", Name: "CPUUtilization", Dimensions: []metric.Dimension{{Name: "InstanceType", Value: "t2.micro"}}},
		"lambda": {Namespace: "AWS/Lambda", Name: "Errors", Dimensions: []metric.Dimension{{Name: "FunctionName", Value: "ProjectA-orders"}}},
		"called": {Namespace: "AWS/Lambda", Name: "Invocations", Dimensions: []metric.Dimension{{Name: "FunctionName", Value: "ProjectB-mail"}}},
		"other":  {Namespace: "AWS/Lambda", Name: "Invocations", Dimensions: []metric.Dimension{{Name: "FunctionName", Value: "misc"}}},
		"mine":   {Namespace: "My Namespace", Name: "Custom:Name[Special(x)"},
		"count":  {Namespace: "MyNamespace", Name: "CustomCount1", Dimensions: []metric.Dimension{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}},
	}
	for query, want := range map[string]string{
		`{AWS/EC2,InstanceId} MetricName="CPUUtilization" `: "cpu",
		`{AWS/EC2} MetricName="CPUUtilization"`:             "cpu type",
		`{AWS/EC2, InstanceType}`:                           "type",
		`{MyNamespace, a}`:                                  "",
		`{MyNamespace, b, a}`:                               "count",
		`{MyNamespace}, "CustomCount1" `:                    "count",
		`{MyNamespace}, "customcount1" `:                    "",
		`"CPUUtilization"`:                                  "cpu type",
		`InstanceType=micro`:                                "type",
		`InstanceType="t2.micro" Namespace="AWS/EC2"`:       "type",
		`InstanceType="micro"`:                              "",
		`NOT Namespace=AWS`:                                 "count mine",
		`(EC2 OR Lambda) AND MetricName=Errors`:             "lambda",
		`(EC2 OR Lambda) MetricName=errors`:                 "lambda",
		`{AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))`: "called lambda",
		`{AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456`:                                "",
		`{"My Namespace"} "Custom:Name[Special\(x\)"`:                                                            "mine",
		`invocations NOT "ProjectB-mail"`:                                                                        "other",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		var found []string
		for name, m := range all {
			if q.Match(m) {
				found = append(found, name)
			}
		}
		slices.Sort(found)
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s finds %q, want %q", query, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, query := range []string{"", "  ", "{", "{}", "{a", "{a b}", "(a", "a)", `"a`, "a OR", "NOT", "a AND", "MetricName=", strings.Repeat("(", 100), strings.Repeat("a", 1025)} {
		if _, err := Parse(query); err == nil {
			t.Errorf("%.20q is taken", query)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{AWS/Lambda,FunctionName} MetricName="Errors" OR (x AND NOT "y\"z")`)
	m := &metric.Metric{Namespace: "A", Name: "B", Dimensions: []metric.Dimension{{Name: "c", Value: "d"}}}
	f.Fuzz(func(_ *testing.T, query string) {
		if q, err := Parse(query); err == nil {
			q.Match(m)
		}
	})
}
