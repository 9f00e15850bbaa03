package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// metrics is a CloudWatch client.
func (p *platform) metrics() *cloudwatch.Client {
	return cloudwatch.New(cloudwatch.Options{
		Region: "us-east-1", BaseEndpoint: &p.endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// TestLoadBalancerMetrics sends load through a load balancer, kills serve in the middle, and reads what CloudWatch says: every
// request is counted, once. At a time scale of 60 a minute of metrics is over in a second.
func TestLoadBalancerMetrics(t *testing.T) {
	p := start(t, "--time-scale", "60")
	begin := time.Now().Add(-time.Minute)
	w, b := balanced(t, p, 2)
	_, name, _ := strings.Cut(b.arn, ":loadbalancer/")
	lb := types.Dimension{Name: new("LoadBalancer"), Value: &name}
	group := types.Dimension{Name: new("TargetGroup"), Value: new(b.targets[strings.LastIndexByte(b.targets, ':')+1:])}
	cw := w.metrics()
	read := func(metric, stat string, dimensions ...types.Dimension) (total float64, last float64) {
		out, err := cw.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
			StartTime: &begin, EndTime: new(time.Now().Add(time.Minute)), ScanBy: types.ScanByTimestampAscending,
			MetricDataQueries: []types.MetricDataQuery{{Id: new("m"), MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: new("AWS/ApplicationELB"), MetricName: &metric, Dimensions: dimensions}, Period: new(int32(60)), Stat: &stat,
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.MetricDataResults[0].Values {
			total, last = total+v, v
		}
		return total, last
	}

	loaded := time.Now()
	l := newLoad(t, b.url, b.dns)
	time.Sleep(3 * time.Second)
	p.kill()
	time.Sleep(3 * time.Second)
	p.launch()
	time.Sleep(3 * time.Second)
	// What an alarm with a period of a minute will see at this scale: seconds, one after the other.
	p.eventually(patience, "every scaled minute of load has its count", func() error {
		fine, err := cw.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: new("AWS/ApplicationELB"), MetricName: new("RequestCount"), Dimensions: []types.Dimension{lb},
			StartTime: &loaded, EndTime: new(time.Now()), Period: new(int32(1)), Statistics: []types.Statistic{types.StatisticSum},
		})
		if err != nil {
			t.Fatal(err)
		}
		var seconds []int64
		for _, d := range fine.Datapoints {
			seconds = append(seconds, d.Timestamp.Unix())
		}
		following := 0
		for _, s := range seconds {
			if slices.Contains(seconds, s+1) {
				following++
			}
		}
		if following < 4 {
			return fmt.Errorf("points at seconds %v", seconds)
		}
		return nil
	})
	l.check(t)
	code, _, err := get(b.url+"/missing", b.dns)
	if err != nil || code/100 != 4 {
		t.Fatal(code, err)
	}

	want := float64(l.sent + 1)
	p.eventually(steadyIn, "every request is counted", func() error {
		if got, _ := read("RequestCount", "Sum", lb); got != want {
			return fmt.Errorf("%v of %v", got, want)
		}
		return nil
	})
	zones := 0.0
	for _, zone := range []string{"us-east-1a", "us-east-1b"} {
		n, _ := read("RequestCount", "Sum", lb, types.Dimension{Name: new("AvailabilityZone"), Value: &zone})
		zones += n
	}
	ok, _ := read("HTTPCode_Target_2XX_Count", "Sum", lb, group)
	bad, _ := read("HTTPCode_Target_4XX_Count", "Sum", lb)
	timed, _ := read("TargetResponseTime", "SampleCount", lb)
	if zones != want || ok != want-1 || bad != 1 || timed != want {
		t.Errorf("of %v requests: %v in zones, %v answered 2xx and %v 4xx, %v timed", want, zones, ok, bad, timed)
	}
	if _, healthy := read("HealthyHostCount", "Maximum", group, lb); healthy != 2 {
		t.Errorf("%v healthy hosts", healthy)
	}
	_, p50 := read("TargetResponseTime", "p50", lb)
	_, p99 := read("TargetResponseTime", "p99", lb)
	if p50 <= 0 || p99 < p50 || p99 > loadPatience.Seconds() {
		t.Errorf("response time p50 %v, p99 %v", p50, p99)
	}
	used, err := cw.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: new("AWS/ECS"), MetricName: new("MemoryUtilization"), Period: new(int32(60)), Statistics: []types.Statistic{types.StatisticMinimum, types.StatisticMaximum},
		Dimensions: []types.Dimension{{Name: new("ClusterName"), Value: &w.cluster}, {Name: new("ServiceName"), Value: new("web")}}, StartTime: &begin, EndTime: new(time.Now()),
	})
	if err != nil || len(used.Datapoints) == 0 || *used.Datapoints[0].Minimum <= 0 || *used.Datapoints[0].Maximum > 100 {
		t.Errorf("memory of the service: %+v, %v", used, err)
	}
}

// TestMetricsWithTheCLI puts and reads metrics with the aws command, and shows that what was acknowledged survives kill -9.
func TestMetricsWithTheCLI(t *testing.T) {
	program := client(t, "aws")
	p := start(t)
	run := func(args ...string) string {
		return strings.TrimSpace(p.run("", p.environment(), program, append([]string{"cloudwatch"}, args...)...))
	}
	now := time.Now().UTC().Truncate(time.Minute)
	run("put-metric-data", "--namespace", "App", "--metric-name", "Orders", "--value", "3", "--unit", "Count", "--dimensions", "Shop=north,Kind=book", "--timestamp", now.Format(time.RFC3339))
	run("put-metric-data", "--namespace", "App", "--metric-data", fmt.Sprintf(`[{"MetricName":"Latency","Timestamp":%q,"Values":[10,20,30],"Counts":[5,4,1],"Unit":"Milliseconds"}]`, now.Format(time.RFC3339)))
	p.kill()
	p.launch()
	window := []string{"--start-time", now.Format(time.RFC3339), "--end-time", now.Add(time.Minute).Format(time.RFC3339)}
	orders := run(append([]string{
		"get-metric-statistics", "--namespace", "App", "--metric-name", "Orders", "--dimensions", "Name=Kind,Value=book", "Name=Shop,Value=north",
		"--period", "60", "--statistics", "Sum", "--query", "Datapoints[0].[Sum,Unit]", "--output", "text",
	}, window...)...)
	if orders != "3.0\tCount" {
		t.Errorf("orders %q", orders)
	}
	latency := run(append([]string{
		"get-metric-statistics", "--namespace", "App", "--metric-name", "Latency", "--period", "60", "--extended-statistics", "p90", "p99", "tm90",
		"--query", "Datapoints[0].ExtendedStatistics.[p90,p99]", "--output", "text",
	}, window...)...)
	if latency != "20.0\t30.0" {
		t.Errorf("latency %q", latency)
	}
	queries, err := json.Marshal([]map[string]any{{"Id": "e", "Expression": `SUM(SEARCH('{App,Kind,Shop} MetricName="Orders"', 'Sum', 60)) * 2`}})
	if err != nil {
		t.Fatal(err)
	}
	if found := run(append([]string{"get-metric-data", "--metric-data-queries", string(queries), "--query", "MetricDataResults[0].Values[0]"}, window...)...); found != "6.0" {
		t.Errorf("found %q", found)
	}
	if names := run("list-metrics", "--namespace", "App", "--query", "Metrics[].MetricName", "--output", "text"); names != "Latency\tOrders" {
		t.Errorf("listed %q", names)
	}
	_, err = p.runs("", p.environment(), program, "cloudwatch", "put-metric-data", "--namespace", "App", "--metric-name", "x", "--value", "NaN")
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterValue") {
		t.Errorf("NaN: %v", err)
	}
}

// TestNetworkLoadBalancerMetrics opens connections through a Network Load Balancer and finds each of them in AWS/NetworkELB.
func TestNetworkLoadBalancerMetrics(t *testing.T) {
	p := start(t, "--time-scale", "60")
	begin := time.Now().Add(-time.Minute)
	p.load(built.app, "demo/web:latest")
	w := p.build("10.0")
	public, private := w.group("public"), w.group("private")
	w.admitGroup(private, public, 8080)
	b := w.network("flows", public)
	w.service("web", w.web("v0"), 2, b, private, 100, 200)
	w.steady("web")
	w.healthy(b.targets, 2)
	const flows = 25
	once := &http.Client{Timeout: loadPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	for range flows {
		if code, _, err := fetch(once, b.url, b.dns); err != nil || code != http.StatusOK {
			t.Fatal(code, err)
		}
	}
	_, name, _ := strings.Cut(b.arn, ":loadbalancer/")
	dimension := types.Dimension{Name: new("LoadBalancer"), Value: &name}
	sum := func(metric string) float64 {
		out, err := w.metrics().GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: new("AWS/NetworkELB"), MetricName: &metric, Dimensions: []types.Dimension{dimension}, StartTime: &begin, EndTime: new(time.Now()),
			Period: new(int32(3600)), Statistics: []types.Statistic{types.StatisticSum},
		})
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, d := range out.Datapoints {
			total += *d.Sum
		}
		return total
	}
	p.eventually(steadyIn, "every flow is counted", func() error {
		if n := sum("NewFlowCount"); n != flows {
			return fmt.Errorf("%v of %v", n, flows)
		}
		return nil
	})
	if n := sum("NewFlowCount_TCP"); n != flows {
		t.Errorf("%v TCP flows", n)
	}
	if n := sum("ProcessedBytes"); n < flows*100 {
		t.Errorf("%v bytes in %d flows", n, flows)
	}
}
