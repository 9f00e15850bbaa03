package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/neargate/neargate/internal/control"
)

func runLogs(ctx context.Context, args []string) error {
	f := flags("logs")
	endpoint := endpointFlag(f)
	follow := f.Bool("f", false, "follow: go on as containers speak, new tasks included")
	container := f.String("container", "", "only this container")
	times := f.Bool("t", false, "show times")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("name one task, service, family or cluster (neargate ps shows them)")
	}
	query := url.Values{"task": rest, "container": {*container}}
	if *follow {
		query.Set("follow", "1")
	}
	body, err := client{*endpoint}.do(ctx, http.MethodGet, "logs", query, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	d := json.NewDecoder(body)
	for {
		var l control.Line
		if err := d.Decode(&l); err != nil {
			if errors.Is(err, io.EOF) || ended(err) || ctx.Err() != nil {
				return nil
			}
			return err
		}
		to := os.Stdout
		if l.Stderr {
			to = os.Stderr
		}
		at := ""
		if *times {
			at = l.Time.Format("15:04:05.000 ")
		}
		if _, err := fmt.Fprintf(to, "%s%.8s %s | %s\n", at, l.Task, l.Container, l.Text); err != nil {
			return nil
		}
	}
}
