package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// trim writes the part of botocore's model of s that trim.txt asks for.
func trim(data string, s *service, file string) error {
	versions, err := filepath.Glob(filepath.Join(data, s.Name, "*"))
	if err != nil || len(versions) == 0 {
		return fmt.Errorf("no model in %s: %w", data, errors.Join(err, fs.ErrNotExist))
	}
	slices.Sort(versions)
	folder := versions[len(versions)-1]
	b, err := readMaybeGzip(filepath.Join(folder, "service-2.json"))
	if err != nil {
		return err
	}
	full, err := parseModel(folder, b)
	if err != nil {
		return err
	}
	kept, err := full.keep(s.Operations)
	if err != nil {
		return err
	}
	if b, err = readMaybeGzip(filepath.Join(folder, "paginators-1.json")); err == nil {
		if err := kept.addPaginators(b); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, kept.format(), 0o644)
}

func readMaybeGzip(path string) ([]byte, error) {
	f, err := os.Open(path + ".gz")
	if errors.Is(err, fs.ErrNotExist) {
		return os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// keep is the model with only the operations named and the shapes they reach.
func (m *model) keep(names []string) (*model, error) {
	kept := &model{Metadata: m.Metadata, Operations: map[string]*operation{}, Shapes: map[string]*shape{}}
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		r := route{Name: name}
		if m.isREST() {
			r.Method, r.Path = m.Operations[name].HTTP.Method, m.Operations[name].HTTP.RequestURI
			if m.shared(r) {
				r.Query, r.Headers = m.required(name, "querystring"), m.required(name, "header")
			}
		}
		kept.Routes = append(kept.Routes, r)
	}
	for _, name := range names {
		op := m.Operations[name]
		if op == nil {
			return nil, fmt.Errorf("no operation %s", name)
		}
		kept.Operations[name] = op
		for _, r := range append([]*ref{op.Input, op.Output}, op.Errors...) {
			m.reach(r, kept.Shapes)
		}
	}
	return kept, nil
}

// shared says whether several operations have the route's method and path.
func (m *model) shared(r route) bool {
	n := 0
	for _, op := range m.Operations {
		if op.HTTP.Method == r.Method && op.HTTP.RequestURI == r.Path {
			n++
		}
	}
	return n > 1
}

// required are the wire names of an operation's required members in one place of the request.
func (m *model) required(operation, place string) (names []string) {
	in := m.Operations[operation].Input
	if in == nil {
		return nil
	}
	s := m.Shapes[in.Shape]
	for _, x := range s.Members {
		if x.Location == place && slices.Contains(s.Required, x.Name) {
			names = append(names, cmp.Or(x.LocationName, x.Name))
		}
	}
	return names
}

func (m *model) reach(r *ref, found map[string]*shape) {
	if r == nil || found[r.Shape] != nil {
		return
	}
	s := m.Shapes[r.Shape]
	found[r.Shape] = s
	for i := range s.Members {
		m.reach(&s.Members[i].ref, found)
	}
	m.reach(s.Member, found)
	m.reach(s.Key, found)
	m.reach(s.Value, found)
}

func (m *model) addPaginators(b []byte) error {
	var all struct {
		Pagination map[string]json.RawMessage `json:"pagination"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("paginators: %w", err)
	}
	m.Paginators = map[string]json.RawMessage{}
	for name := range m.Operations {
		if p, ok := all.Pagination[name]; ok {
			m.Paginators[name] = p
		}
	}
	return nil
}

// format writes one operation, shape or paginator a line, so that a re-trim reads well as a diff.
func (m *model) format() []byte {
	var b bytes.Buffer
	b.WriteString("{\"metadata\": " + line(m.Metadata) + ",\n")
	b.WriteString("\"routes\": [")
	for i, r := range m.Routes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n " + line(r))
	}
	b.WriteString("\n],\n\"operations\": ")
	writeObject(&b, m.Operations)
	b.WriteString(",\n\"paginators\": ")
	writeObject(&b, m.Paginators)
	b.WriteString(",\n\"shapes\": ")
	writeObject(&b, m.Shapes)
	b.WriteString("}\n")
	return b.Bytes()
}

func writeObject[T any](b *bytes.Buffer, object map[string]T) {
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n " + line(key) + ": " + line(object[key]))
	}
	b.WriteString("\n}")
}

// line is v as JSON on one line. The model types cannot fail to encode.
func line(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b.Bytes()); err != nil {
		panic(err)
	}
	return compact.String()
}
