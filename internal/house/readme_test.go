package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	verbEntry = regexp.MustCompile(`(?m)^\t\t\{"([a-z]+)", `)
	verbUse   = regexp.MustCompile("(?m)(?:^|[ `(/\"])neargate ([a-z]+)")
	makeUse   = regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)")
	linkUse   = regexp.MustCompile(`\]\(([^)#:]+)\)`)
)

// prose words that follow the program's name in sentences.
var prose = map[string]bool{"runs": true, "is": true, "has": true, "answers": true, "does": true, "never": true}

// TestDocsNameRealCommands holds what the pages tell a reader to type against what there is.
func TestDocsNameRealCommands(t *testing.T) {
	base := root(t)
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(base, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	verbs := map[string]bool{"help": true}
	for _, m := range verbEntry.FindAllStringSubmatch(read("cmd/neargate/main.go"), -1) {
		verbs[m[1]] = true
	}
	if len(verbs) < 8 {
		t.Fatalf("only %d verbs found in cmd/neargate/main.go: the pattern is stale", len(verbs))
	}
	makefile := read("Makefile")
	for _, page := range []string{"README.md", "ARCHITECTURE.md", "examples/web-service/README.md", "examples/https-front/README.md"} {
		text := read(page)
		for _, m := range verbUse.FindAllStringSubmatch(text, -1) {
			if !verbs[m[1]] && !prose[m[1]] {
				t.Errorf("%s: there is no command `neargate %s`", page, m[1])
			}
		}
		for _, m := range makeUse.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s: the Makefile has no target %s", page, m[1])
			}
		}
		for _, m := range linkUse.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(base, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
	}
}
