package ecs

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws/gateway"
)

// BenchmarkRequests is what frequent requests cost from HTTP to HTTP, the network left out.
func BenchmarkRequests(b *testing.B) {
	front := newBench(b)
	if _, err := front.CreateCluster(front.ctx, &ecsapi.CreateClusterInput{ClusterName: new("main")}); err != nil {
		b.Fatal(err)
	}
	if _, err := front.RegisterTaskDefinition(front.ctx, webDefinition()); err != nil {
		b.Fatal(err)
	}
	if _, err := front.CreateService(front.ctx, webService()); err != nil {
		b.Fatal(err)
	}
	g := gateway.Handler(gateway.Config{Account: "000000000000", Region: "us-east-1"}, front.Service)
	definition := `{"family":"web","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512",` +
		`"containerDefinitions":[{"name":"web","image":"demo/web","portMappings":[{"containerPort":8080}]}]}`
	for _, op := range []struct{ name, body string }{
		{"DescribeServices", `{"cluster":"main","services":["web"]}`},
		{"RegisterTaskDefinition", definition},
		{"ListTasks", `{"cluster":"main"}`},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("POST", "/", strings.NewReader(op.body))
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+op.name)
				w := httptest.NewRecorder()
				g.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(fmt.Sprint(w.Code, w.Body))
				}
			}
		})
	}
}
