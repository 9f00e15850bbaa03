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
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/neargate/neargate/internal/image"
)

func runImage(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("image needs a verb: load FILE, build DIR or ls")
	}
	switch args[0] {
	case "help", "-h", "--help":
		fmt.Print("neargate image load FILE [--name NAME]                  give the platform a docker archive\n" +
			"neargate image build DIR [--name NAME] [--output FILE]  package a Go program: into the platform, or a docker archive\n" +
			"neargate image ls                                       images that tasks find\n")
		return nil
	case "load":
		return loadImage(ctx, args[1:])
	case "build":
		return buildImage(ctx, args[1:])
	case "ls":
		return listImages(ctx, args[1:])
	}
	return fmt.Errorf("image has no verb %q: load FILE, build DIR or ls", args[0])
}

// loadImage gives the platform an archive: `docker save`'s, or what build wrote.
func loadImage(ctx context.Context, args []string) error {
	f := flags("image load")
	endpoint := endpointFlag(f)
	name := f.String("name", "", "the name tasks use, like demo/web:latest; without it, the archive's own")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("name one archive to load")
	}
	file, err := os.Open(rest[0])
	if err != nil {
		return err
	}
	defer file.Close()
	return load(ctx, *endpoint, *name, file)
}

func load(ctx context.Context, endpoint, name string, archive io.Reader) error {
	query := url.Values{}
	if name != "" {
		query.Set("name", name)
	}
	body, err := client{endpoint}.do(ctx, http.MethodPost, "images", query, archive)
	if err != nil {
		return err
	}
	defer body.Close()
	var answer struct{ Images []string }
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return err
	}
	fmt.Println("loaded", strings.Join(answer.Images, ", "))
	return nil
}

// buildImage packages a Go main: into a file with --output, else into the platform.
func buildImage(ctx context.Context, args []string) error {
	f := flags("image build")
	endpoint := endpointFlag(f)
	name := f.String("name", "", "the image's name; without it, the folder's")
	output := f.String("output", "", "write a docker archive here instead of loading it")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("name the folder of one Go program to build")
	}
	dir, err := filepath.Abs(rest[0])
	if err != nil {
		return err
	}
	if *name == "" {
		*name = strings.ToLower(filepath.Base(dir)) + ":latest"
	}
	img, err := image.BuildGo(ctx, dir)
	if err != nil {
		return err
	}
	if *output == "" {
		r, w := io.Pipe()
		go func() { w.CloseWithError(image.Write(w, *name, img)) }()
		return load(ctx, *endpoint, *name, r)
	}
	if err := os.MkdirAll(filepath.Dir(*output), 0o755); err != nil {
		return err
	}
	file, err := os.Create(*output)
	if err != nil {
		return err
	}
	if err := errors.Join(image.Write(file, *name, img), file.Close()); err != nil {
		return err
	}
	fmt.Println("built", *name, "as", *output)
	return nil
}

func listImages(ctx context.Context, args []string) error {
	f := flags("image ls")
	endpoint := endpointFlag(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	var answer struct {
		Images []struct {
			Name, Digest string
			Loaded       bool
		}
	}
	if err := (client{*endpoint}).get(ctx, "images", &answer); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIGEST\tFROM")
	for _, i := range answer.Images {
		from := "registry"
		if i.Loaded {
			from = "archive"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", i.Name, i.Digest, from)
	}
	return w.Flush()
}
