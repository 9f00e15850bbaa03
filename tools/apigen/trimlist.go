package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// service is one "service" paragraph of trim.txt.
type service struct {
	Name       string
	Package    string
	Invalid    string
	Words      string
	Token      string
	BareErrors bool
	Buckets    bool   // hosts=bucket
	Namespace  string // of outputs, where the model has none
	Operations []string
	MaxBody    map[string]int64  // by operation, in bytes
	Roots      map[string]string // root elements of outputs that the model does not name, by operation
	Bare       map[string]bool   // operations whose output is the text of its root element
}

func readTrimList(path string) ([]*service, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []*service
	byName := map[string]*service{}
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "service" && len(words) >= 2:
			s := &service{Name: words[1], Package: words[1] + "api", Invalid: "ValidationException", Token: "ValidationException", MaxBody: map[string]int64{}, Roots: map[string]string{}, Bare: map[string]bool{}}
			if err := s.set(words[2:]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
			if byName[s.Name] != nil {
				return nil, fmt.Errorf("%s:%d: service %s twice", path, n, s.Name)
			}
			byName[s.Name] = s
			list = append(list, s)
		case len(words) >= 2 && byName[words[0]] != nil && !seen[words[0]+" "+words[1]]:
			if err := byName[words[0]].add(words[1], words[2:]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
			seen[words[0]+" "+words[1]] = true
		default:
			return nil, fmt.Errorf("%s:%d: %q is neither a service line nor a new operation of a service", path, n, lines.Text())
		}
	}
	return list, lines.Err()
}

func (s *service) set(options []string) error {
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "invalid":
			s.Invalid = value
		case "words":
			s.Words = value
		case "token":
			s.Token = value
		case "package":
			s.Package = value
		case "errors":
			s.BareErrors = value == "bare"
		case "hosts":
			s.Buckets = value == "bucket"
		case "namespace":
			s.Namespace = value
		default:
			return fmt.Errorf("unknown option %q", key)
		}
	}
	return nil
}

func (s *service) add(operation string, options []string) error {
	s.Operations = append(s.Operations, operation)
	for _, o := range options {
		switch key, value, _ := strings.Cut(o, "="); key {
		case "body":
			n, err := strconv.Atoi(value)
			if err != nil {
				return fmt.Errorf("option %q: %w", o, err)
			}
			s.MaxBody[operation] = int64(n) << 20
		case "root":
			s.Roots[operation] = value
		case "bare":
			s.Bare[operation] = true
		default:
			return fmt.Errorf("unknown option %q", o)
		}
	}
	return nil
}

// covers reports an operation of the list that the trimmed model lacks.
func (s *service) covers(m *model) error {
	for _, name := range s.Operations {
		if m.Operations[name] == nil {
			return fmt.Errorf("models/%s.json lacks %s: run apigen -trim auto", s.Name, name)
		}
	}
	if len(m.Operations) != len(s.Operations) {
		return fmt.Errorf("models/%s.json has %d operations, trim.txt %d: run apigen -trim auto", s.Name, len(m.Operations), len(s.Operations))
	}
	return nil
}
