package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/neargate/neargate/"

// file is one non-test Go file of the project.
type file struct {
	path    string // from the root, slashes
	pkg     string // its folder
	imports []string
	doc     bool
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(dir))
}

// files reads every Go file outside testdata; tests only when asked for.
func files(t *testing.T, tests bool) []file {
	t.Helper()
	base := root(t)
	var out []file
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && path != base {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") && !tests {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, path)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), pkg: filepath.ToSlash(filepath.Dir(rel)), doc: parsed.Doc != nil}
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no Go files found: the test looks in the wrong place")
	}
	return out
}

// within says whether the package is the folder or below it.
func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func withinAny(pkg string, folders ...string) bool {
	for _, f := range folders {
		if within(pkg, f) {
			return true
		}
	}
	return false
}

var engines = []string{
	"internal/network", "internal/task", "internal/deploy", "internal/balance", "internal/names", "internal/publish",
	"internal/metric", "internal/measure", "internal/alarm", "internal/scale", "internal/logs", "internal/object", "internal/accesslog", "internal/registry", "internal/policy", "internal/cert",
}

// TestArrows holds the imports against the rules of ARCHITECTURE.md.
func TestArrows(t *testing.T) {
	for _, f := range files(t, false) {
		for _, path := range f.imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if why := forbidden(f.pkg, to); why != "" {
				t.Errorf("%s imports %s: %s", f.path, to, why)
			}
		}
	}
}

// forbidden returns the rule an import breaks, empty where it is allowed.
func forbidden(from, to string) string {
	program := withinAny(from, "internal/control", "cmd", "e2e", "bench", "tools")
	switch {
	case within(from, "internal/edge") && !withinAny(to, "internal/edge"):
		return "edge imports only edge, the standard library and a few libraries"
	case within(to, "internal/edge") && !within(from, "internal/edge") && !withinAny(from, "cmd", "e2e", "bench") &&
		!withinAny(to, "internal/edge/edgeapi"):
		return "the control side reaches into edge only for edgeapi"
	case within(from, "internal/services") && within(to, "internal/services") && from != to:
		return "services never import each other"
	case withinAny(from, engines...) && (within(to, "internal/services") || within(to, "internal/aws/gateway") || within(to, "internal/machine")):
		return "engines import neither services nor aws/gateway nor machine"
	case within(to, "internal/machine") && !within(from, "internal/machine") && !program:
		return "only control and cmd import machine"
	case within(to, "internal/control") && !withinAny(from, "internal/control", "cmd", "e2e", "bench"):
		return "nothing but cmd imports control"
	case within(from, "internal/aws") && withinAny(to, append([]string{"internal/services", "internal/machine", "internal/api"}, engines...)...):
		return "the wire knows no service"
	case within(from, "internal/state") && !withinAny(to, "internal/state"):
		return "state knows no type"
	}
	return ""
}

// TestForbidden shows that the rules refuse what they are there to refuse.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/edge/proxy", "internal/state", true},
		{"internal/edge/proxy", "internal/edge/edgeapi", false},
		{"internal/publish", "internal/edge/proxy", true},
		{"internal/publish", "internal/edge/edgeapi", false},
		{"internal/services/ecs", "internal/services/ec2", true},
		{"internal/services/ecs", "internal/deploy", false},
		{"internal/deploy", "internal/services/ecs", true},
		{"internal/task", "internal/machine/containers", true},
		{"internal/control", "internal/machine/containers", false},
		{"internal/machine/containers", "internal/task", false},
		{"internal/services/ecr", "internal/control", true},
		{"internal/aws/gateway", "internal/api/ecs", true},
		{"internal/state", "internal/clock", true},
	} {
		if got := forbidden(c.from, c.to) != ""; got != c.want {
			t.Errorf("forbidden(%s, %s) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
}

// TestPackageDocs wants one doc comment in every package: its place in the flow.
func TestPackageDocs(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range files(t, false) {
		documented[f.pkg] = documented[f.pkg] || f.doc
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}
