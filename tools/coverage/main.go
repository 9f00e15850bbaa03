// Command coverage writes docs/coverage.md: which operations of the AWS APIs are bound to a handler.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/services/acm"
	"github.com/neargate/neargate/internal/services/cloudwatch"
	"github.com/neargate/neargate/internal/services/ec2"
	"github.com/neargate/neargate/internal/services/ecr"
	"github.com/neargate/neargate/internal/services/ecs"
	"github.com/neargate/neargate/internal/services/elbv2"
	"github.com/neargate/neargate/internal/services/iam"
	"github.com/neargate/neargate/internal/services/logs"
	"github.com/neargate/neargate/internal/services/s3"
	"github.com/neargate/neargate/internal/services/sts"
)

//go:generate go run . -out ../../docs/coverage.md

func main() {
	out := flag.String("out", "docs/coverage.md", "file to write")
	flag.Parse()
	if err := os.WriteFile(*out, page(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

// page is computed from the bindings alone: no handler runs, so the fronts need nothing behind them.
func page() []byte {
	fronts := []aws.Front{
		&acm.Service{}, &cloudwatch.Service{}, &ec2.Service{}, &ecr.Service{}, &ecs.Service{}, &elbv2.Service{}, &iam.Service{}, &logs.Service{}, &s3.Service{}, &sts.Service{},
	}
	var b bytes.Buffer
	if err := gateway.Handler(gateway.Config{}, fronts...).WriteCoverage(&b); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
