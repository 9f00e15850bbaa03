package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedCodeIsCurrent generates anew and compares with what is committed.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	fresh := t.TempDir()
	if err := run("", "../../models", fresh); err != nil {
		t.Fatal(err)
	}
	const committed = "../../internal/api"
	seen := map[string]bool{}
	err := filepath.WalkDir(fresh, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(fresh, path)
		if err != nil {
			return err
		}
		seen[name] = true
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil || !bytes.Equal(want, got) {
			t.Errorf("internal/api/%s is not what models/ say: run make gen", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	have, err := filepath.Glob(committed + "/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range have {
		if name, err := filepath.Rel(committed, path); err != nil || !seen[name] {
			t.Errorf("internal/api/%s comes from no model", name)
		}
	}
}

// TestGeneratedCodeDoesNothingAtStart keeps program start free: the binary is also started once per container. Package-level
// values are literals that the linker lays out, without calls and maps.
func TestGeneratedCodeDoesNothingAtStart(t *testing.T) {
	paths, err := filepath.Glob("../../internal/api/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" {
					t.Errorf("%s has an init function", path)
				}
				continue
			}
			ast.Inspect(g, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.CallExpr, *ast.MapType:
					t.Errorf("%s: a package-level value has work to do at start", path)
				}
				return true
			})
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ enum, value, want string }{
		{"LaunchType", "FARGATE", "LaunchTypeFargate"},
		{"LaunchType", "FARGATE_SPOT", "LaunchTypeFargateSpot"},
		{"NetworkMode", "awsvpc", "NetworkModeAwsvpc"},
		{"assignPublicIp", "ENABLED", "AssignPublicIpEnabled"},
		{"Kind", "application/json", "KindApplicationJson"},
		{"Kind", "2xx", "Kind2xx"},
		{"Kind", "*", "KindValue"},
	} {
		if got := constant(tt.enum, tt.value); got != tt.want {
			t.Errorf("constant(%q, %q) = %s, want %s", tt.enum, tt.value, got, tt.want)
		}
	}
	taken := names{}
	for _, want := range []string{"A", "AValue", "AValue2"} {
		if got := taken.claim("A"); got != want {
			t.Errorf("claimed %s, want %s", got, want)
		}
	}
}

func TestTrimKeepsWhatIsReached(t *testing.T) {
	m, err := parseModel("test", []byte(`{"metadata":{"protocol":"json"},"operations":{
		"A":{"name":"A","http":{"method":"POST","requestUri":"/"},"input":{"shape":"AIn"},"errors":[{"shape":"E"}]},
		"B":{"name":"B","http":{"method":"POST","requestUri":"/"},"input":{"shape":"BIn"}}},
		"shapes":{
		"AIn":{"type":"structure","members":{"z":{"shape":"List","documentation":"prose"},"a":{"shape":"Str"}},"documentation":"prose"},
		"BIn":{"type":"structure","members":{"only":{"shape":"Num"}}},
		"List":{"type":"list","member":{"shape":"Tree"}},"Tree":{"type":"structure","members":{"next":{"shape":"Tree"},"map":{"shape":"Map"}}},
		"Map":{"type":"map","key":{"shape":"Str"},"value":{"shape":"Str"}},
		"Str":{"type":"string"},"Num":{"type":"integer"},"E":{"type":"structure","exception":true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := m.keep([]string{"A"})
	if err != nil {
		t.Fatal(err)
	}
	text := kept.format()
	for _, want := range []string{`"Tree"`, `"Map"`, `"E"`, `{"name":"B"}`, `{"z":{"shape":"List"},"a":{"shape":"Str"}}`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, no := range []string{"prose", `"Num"`, "BIn"} {
		if bytes.Contains(text, []byte(no)) {
			t.Errorf("%s in\n%s", no, text)
		}
	}
	if _, err := m.keep([]string{"C"}); err == nil {
		t.Error("kept an operation that does not exist")
	}
	again, err := parseModel("again", text)
	if err != nil || !bytes.Equal(again.format(), text) {
		t.Errorf("does not read back: %v", err)
	}
}
