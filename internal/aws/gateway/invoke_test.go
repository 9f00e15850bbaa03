package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
)

func TestInvoke(t *testing.T) {
	g := Handler(Config{Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}, front{})
	ctx := aws.With(context.Background(), &aws.Call{Account: "222222222222", Region: "eu-west-1", Principal: "arn:aws:iam::222222222222:role/r"})
	for _, tt := range []struct {
		name      string
		operation string
		in        any
		want, err string
	}{
		{"typed", "CreateCluster", &ecsapi.CreateClusterInput{ClusterName: new("c")}, "arn:aws:ecs:eu-west-1:222222222222:cluster/c", ""},
		{"json", "CreateCluster", json.RawMessage(`{"clusterName":"c"}`), "arn:aws:ecs:eu-west-1:222222222222:cluster/c", ""},
		{"nothing", "CreateCluster", nil, "arn:aws:ecs:eu-west-1:222222222222:cluster/", ""},
		{"invalid", "DeleteCluster", nil, "", "Member must not be null"},
		{"panic", "DeleteCluster", json.RawMessage(`{"cluster":"panic"}`), "", "internal error"},
		{"unbound", "ExecuteCommand", nil, "", "NotImplemented"},
		{"unknown", "MakeCoffee", nil, "", "UnknownOperationException"},
		{"wrong type", "CreateCluster", &ecsapi.DeleteClusterInput{}, "", "input is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := g.Invoke(ctx, "ecs", tt.operation, tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := *out.(*ecsapi.CreateClusterOutput).Cluster.ClusterArn; got != tt.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestBoundTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Handler(Config{}, front{}, front{})
}

func TestCoverage(t *testing.T) {
	var b strings.Builder
	if err := Handler(Config{}, front{}).WriteCoverage(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| [Amazon EC2 Container Service](#ecs) | 5 | ", "\n## sts\n\nAssumeRoleWithWebIdentity, GetCallerIdentity\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
