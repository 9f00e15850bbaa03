package main

import (
	"context"
	"errors"
)

func runDemo(context.Context, []string) error { return errors.New("not yet") }
