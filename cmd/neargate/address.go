package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// runAddress prints the loopback address that leads to one load balancer, whatever name or host a client then asks for:
// curl --connect-to "::$(neargate address shop)" https://shop.example.com/.
func runAddress(ctx context.Context, args []string) error {
	f := flags("address")
	endpoint := endpointFlag(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("name one load balancer, by its name or its DNS name")
	}
	s, err := readStatus(ctx, *endpoint)
	if err != nil {
		return err
	}
	for _, l := range s.LoadBalancers {
		if l.Name != rest[0] && !strings.EqualFold(l.DNSName, rest[0]) {
			continue
		}
		if l.Address == "" {
			return fmt.Errorf("load balancer %s has no public address: only its VPC reaches it", l.Name)
		}
		fmt.Println(hostOf(l.Address))
		return nil
	}
	return fmt.Errorf("there is no load balancer %q", rest[0])
}

func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }
