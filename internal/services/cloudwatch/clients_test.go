package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/metric"
)

func serve(t testing.TB) (url string) {
	t.Helper()
	engine, err := metric.Open(context.Background(), metric.Config{Path: filepath.Join(t.TempDir(), "metrics.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway.Handler(gateway.Config{Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}, New(engine)))
	t.Cleanup(func() { server.Close(); engine.Close() })
	return server.URL
}

// TestPythonSDK speaks CBOR, JSON and query, as SDKs of several ages do.
func TestPythonSDK(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed: ", err)
	}
	out, err := exec.Command("python3", "-B", "testdata/clients.py", serve(t)).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ok") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func goClient(t testing.TB) *cloudwatch.Client {
	t.Helper()
	config, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRegion("us-east-1"), awsconfig.WithBaseEndpoint(serve(t)),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil {
		t.Fatal(err)
	}
	return cloudwatch.NewFromConfig(config)
}

func TestGoSDK(t *testing.T) {
	ctx, client := t.Context(), goClient(t)
	start := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
	_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: new("App"), MetricData: []types.MetricDatum{
		{MetricName: new("Requests"), Value: new(4.0), Unit: types.StandardUnitCount, Timestamp: &start},
		{MetricName: new("Requests"), Value: new(6.0), Unit: types.StandardUnitCount, Timestamp: new(start.Add(time.Minute))},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	pages := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: new(start.Add(time.Hour)), MaxDatapoints: new(int32(1)), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{
			{Id: new("m"), MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: new("App"), MetricName: new("Requests")}, Period: new(int32(60)), Stat: new("Sum")}},
			{Id: new("e"), Expression: new("RUNNING_SUM(m)")},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.MetricDataResults {
			values = append(values, r.Values...)
		}
	}
	if !slices.Equal(values, []float64{4, 6, 4, 10}) {
		t.Errorf("values %v", values)
	}
	read, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: new("App"), MetricName: new("Requests"), StartTime: &start, EndTime: new(start.Add(time.Hour)), Period: new(int32(3600)),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticMaximum},
	})
	if err != nil || len(read.Datapoints) != 1 || *read.Datapoints[0].Sum != 10 || read.Datapoints[0].Unit != types.StandardUnitCount {
		t.Errorf("%+v, %v", read, err)
	}
	var wrong *types.InvalidParameterValueException
	_, err = client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: new("AWS/ECS"), MetricData: []types.MetricDatum{{MetricName: new("m"), Value: new(1.0)}}})
	if !errors.As(err, &wrong) {
		t.Errorf("a namespace of AWS: %v", err)
	}
}

// BenchmarkPutOverHTTP is PutMetricData from a client that waits for each answer, and from several at once.
func BenchmarkPutOverHTTP(b *testing.B) {
	client := goClient(b)
	for _, n := range []int{1, 100} {
		in := &cloudwatch.PutMetricDataInput{Namespace: new("App")}
		for i := range n {
			in.MetricData = append(in.MetricData, types.MetricDatum{
				MetricName: new("Requests"), Value: new(float64(i)), Dimensions: []types.Dimension{{Name: new("Host"), Value: new(fmt.Sprint(i))}},
			})
		}
		run := func(b *testing.B) {
			if _, err := client.PutMetricData(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
		b.Run(fmt.Sprintf("data=%d", n), func(b *testing.B) {
			for b.Loop() {
				run(b)
			}
		})
		b.Run(fmt.Sprintf("data=%d/parallel", n), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					run(b)
				}
			})
		})
	}
}
