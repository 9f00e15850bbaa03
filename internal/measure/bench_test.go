package measure

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
)

// BenchmarkMinute is what recording a minute costs, from edge's answer to the commit: at rest, and with traffic everywhere.
func BenchmarkMinute(b *testing.B) {
	for _, balancers := range []int{1, 20} {
		for _, busy := range []bool{false, true} {
			b.Run(fmt.Sprintf("balancers=%d/busy=%v", balancers, busy), func(b *testing.B) {
				benchmarkMinute(b, balancers, busy)
			})
		}
	}
}

func benchmarkMinute(b *testing.B, balancers int, busy bool) {
	engine, err := metric.Open(b.Context(), metric.Config{Path: filepath.Join(b.TempDir(), "metrics.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	in := Input{From: time.Now(), Before: &edgeapi.Counters{}}
	answers := [2][]byte{}
	for i := range answers {
		var c edgeapi.Counters
		for j := range balancers {
			one := traffic(uint64(1 + i))
			arn := fmt.Sprintf("%s%d", albARN, j)
			group := fmt.Sprintf("%s%d", tgARN, j)
			one.LoadBalancers[0].ARN, one.TargetGroups[0].ARN = arn, group
			c.LoadBalancers = append(c.LoadBalancers, one.LoadBalancers...)
			c.TargetGroups = append(c.TargetGroups, one.TargetGroups...)
			if i == 0 {
				lb := alb()
				lb.ARN, lb.Groups[0].ARN = arn, group
				in.Balancers = append(in.Balancers, lb)
			}
		}
		if answers[i], err = json.Marshal(c); err != nil {
			b.Fatal(err)
		}
	}
	data := 0
	for i := 0; b.Loop(); i++ {
		after := answers[0]
		if busy {
			after = answers[i%2]
		}
		var c edgeapi.Counters
		if err := json.Unmarshal(after, &c); err != nil {
			b.Fatal(err)
		}
		in.After, in.To = &c, in.From.Add(time.Minute)
		in.At = in.From
		taken := Take(in)
		data += len(taken)
		content, err := json.Marshal(reading{in.To, &c})
		if err != nil {
			b.Fatal(err)
		}
		if err := engine.Record(b.Context(), taken, mark, content); err != nil {
			b.Fatal(err)
		}
		in.Before, in.From = &c, in.To
	}
	b.ReportMetric(float64(data)/float64(b.N), "data/minute")
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/60, "%core")
}
