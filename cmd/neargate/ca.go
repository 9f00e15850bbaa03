package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/neargate/neargate/internal/control"
)

// runCA prints what a client has to trust: curl --cacert <(neargate ca).
func runCA(ctx context.Context, args []string) error {
	f := flags("ca")
	endpoint := endpointFlag(f)
	dir := f.String("data-dir", "", "read it from this data directory; no platform need run there")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if *dir != "" {
		root, err := control.Root(*dir)
		if err == nil {
			_, err = fmt.Print(root)
		}
		return err
	}
	body, err := client{*endpoint}.do(ctx, http.MethodGet, "ca", nil, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(os.Stdout, body)
	return err
}
