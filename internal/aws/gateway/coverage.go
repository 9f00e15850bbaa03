package gateway

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws"
)

// Coverage is how much of one AWS API is served.
type Coverage struct {
	Service *aws.Service
	Bound   []string // operations with a handler, in order
	Missing []string // operations AWS has beside these
}

// Coverage counts bound operations, per API in order of name.
func (g *Gateway) Coverage() []Coverage {
	var out []Coverage
	for _, name := range slices.Sorted(maps.Keys(g.apis.byName)) {
		a := g.apis.byName[name]
		c := Coverage{Service: a.service, Bound: slices.Sorted(maps.Keys(a.bound))}
		for _, r := range a.service.Operations {
			if _, ok := a.bound[r.Name]; !ok {
				c.Missing = append(c.Missing, r.Name)
			}
		}
		out = append(out, c)
	}
	return out
}

// WriteCoverage writes the page docs/coverage.md.
func (g *Gateway) WriteCoverage(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# API coverage\n\nComputed from the operations that are bound to a handler. Any other operation of these APIs answers\n" +
		"`NotImplemented`, naming itself.\n\n| service | operations | of AWS's |\n|---|--:|--:|\n")
	all := g.Coverage()
	for _, c := range all {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %d |\n", c.Service.FullName, c.Service.Name, len(c.Bound), len(c.Bound)+len(c.Missing))
	}
	for _, c := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Service.Name, strings.Join(c.Bound, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
