package e2e

import (
	"os"
	"path/filepath"
	"strings"
)

// stack is one of the examples, in a folder of its own, under Terraform.
type stack struct {
	*platform
	dir       string
	env       []string
	terraform string
}

// stack copies the Terraform files of an example and initialises it.
func (p *platform) stack(example string) *stack {
	p.t.Helper()
	terraform := client(p.t, "terraform")
	plugins := os.Getenv("NEARGATE_TF_PLUGIN_DIR")
	if plugins == "" {
		missing(p.t, "terraform", "NEARGATE_TF_PLUGIN_DIR does not name a folder with Terraform's AWS provider")
	}
	s := &stack{
		platform: p, dir: p.t.TempDir(), terraform: terraform,
		env: p.environment("TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE="+os.DevNull, "CHECKPOINT_DISABLE=1"),
	}
	files, err := filepath.Glob(filepath.Join("..", "examples", example, "*.tf"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("no example: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, filepath.Base(f)), text, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	s.run("init", "-plugin-dir="+plugins)
	return s
}

func (s *stack) run(args ...string) string {
	s.t.Helper()
	return s.platform.run(s.dir, s.env, s.terraform, append(args, "-no-color")...)
}

func (s *stack) output(name string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run("output", "-raw", name))
}
