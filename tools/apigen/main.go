package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	trimFrom := flag.String("trim", "", "trim models anew from this botocore data folder; auto asks python3")
	models := flag.String("models", "models", "folder of trim.txt and the trimmed models")
	out := flag.String("out", "internal/api", "folder of the generated packages")
	flag.Parse()
	if err := run(*trimFrom, *models, *out); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(trimFrom, models, out string) error {
	list, err := readTrimList(filepath.Join(models, "trim.txt"))
	if err != nil {
		return err
	}
	if trimFrom == "auto" {
		if trimFrom, err = findBotocore(); err != nil {
			return err
		}
	}
	for _, s := range list {
		file := filepath.Join(models, s.Name+".json")
		if trimFrom != "" {
			if err := trim(trimFrom, s, file); err != nil {
				return fmt.Errorf("trim %s: %w", s.Name, err)
			}
		}
		m, err := readModel(file)
		if err != nil {
			return err
		}
		if err := s.covers(m); err != nil {
			return err
		}
		if err := generate(m, s, filepath.Join(out, s.Name)); err != nil {
			return fmt.Errorf("generate %s: %w", s.Name, err)
		}
	}
	return nil
}

func findBotocore() (string, error) {
	b, err := exec.Command("python3", "-c", "import botocore, os; print(os.path.dirname(botocore.__file__))").Output()
	if err != nil {
		return "", fmt.Errorf("ask python3 for botocore: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(b)), "data"), nil
}
