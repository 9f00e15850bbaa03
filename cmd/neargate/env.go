package main

import (
	"context"
	"fmt"
)

// runEnv prints what AWS clients read. The keys are placeholders that the
// loopback default accepts; with --auth enforce, set your own.
func runEnv(ctx context.Context, args []string) error {
	f := flags("env")
	endpoint := endpointFlag(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	var health struct{ Region string }
	if err := (client{*endpoint}).get(ctx, "health", &health); err != nil {
		return err
	}
	fmt.Printf("export AWS_ENDPOINT_URL=%s\n", *endpoint)
	fmt.Printf("export AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", health.Region, health.Region)
	fmt.Println("export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test")
	fmt.Println("export AWS_EC2_METADATA_DISABLED=true")
	return nil
}
