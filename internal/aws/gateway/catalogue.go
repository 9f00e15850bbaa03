package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/proto"
)

// catalogue is the APIs that are served, found by whatever a request names them with.
type catalogue struct {
	byName      map[string]*api
	byTarget    map[string]*api   // last part of the target prefix
	bySigning   map[string][]*api // several APIs may share a signing name
	byEndpoint  map[string][]*api // first label of AWS's host name
	queryByDate map[string][]*api // query APIs by version, for unsigned requests
	rest        []*api            // without buckets
	buckets     *api              // the one whose paths begin with a bucket: they match every request
}

// api is one API and its handlers.
type api struct {
	service *aws.Service
	bound   map[string]aws.Binding
	known   map[string]bool // all operations AWS has
	routes  []restRoute     // REST only, most specific first
}

type restRoute struct {
	name, method   string
	template       proto.Template
	query, headers []string // that a request must have as well
}

// specificity orders routes that fit the same request.
func (r *restRoute) specificity() int {
	return r.template.Specificity() + len(r.query) + len(r.headers)
}

func (r *restRoute) fits(method, path string, query url.Values, header http.Header) bool {
	if r.method != method {
		return false
	}
	if _, ok := r.template.Match(path, query); !ok {
		return false
	}
	lacks := func(name string) bool { return len(header.Values(name)) == 0 }
	return !slices.ContainsFunc(r.query, func(name string) bool { return !query.Has(name) }) && !slices.ContainsFunc(r.headers, lacks)
}

func newCatalogue() *catalogue {
	return &catalogue{
		byName: map[string]*api{}, byTarget: map[string]*api{}, bySigning: map[string][]*api{},
		byEndpoint: map[string][]*api{}, queryByDate: map[string][]*api{},
	}
}

func (c *catalogue) add(b aws.Binding) error {
	a := c.byName[b.Info.Service.Name]
	if a == nil {
		a = c.open(b.Info.Service)
	}
	if _, twice := a.bound[b.Info.Name]; twice {
		return fmt.Errorf("%s %s is bound twice", b.Info.Service.Name, b.Info.Name)
	}
	a.bound[b.Info.Name] = b
	return nil
}

func (c *catalogue) open(s *aws.Service) *api {
	a := &api{service: s, bound: map[string]aws.Binding{}, known: make(map[string]bool, len(s.Operations))}
	for _, r := range s.Operations {
		a.known[r.Name] = true
		if r.Path != "" {
			a.routes = append(a.routes, restRoute{r.Name, r.Method, proto.ParseTemplate(r.Path), r.Query, r.Headers})
		}
	}
	slices.SortStableFunc(a.routes, func(x, y restRoute) int { return y.specificity() - x.specificity() })
	c.byName[s.Name] = a
	c.bySigning[s.SigningName] = append(c.bySigning[s.SigningName], a)
	c.byEndpoint[s.EndpointPrefix] = append(c.byEndpoint[s.EndpointPrefix], a)
	if s.TargetPrefix != "" {
		c.byTarget[lastPart(s.TargetPrefix)] = a
	}
	if a.speaks("query") || a.speaks("ec2") {
		c.queryByDate[s.APIVersion] = append(c.queryByDate[s.APIVersion], a)
	}
	switch {
	case s.BucketHosts:
		c.buckets = a
	case len(a.routes) > 0:
		c.rest = append(c.rest, a)
	}
	return a
}

func (a *api) speaks(protocol string) bool { return slices.Contains(a.service.Protocols, protocol) }

// route finds the operation of a REST request. Of two that fit as well, as a deprecated one and its heir do, the one that is
// served is meant.
func (a *api) route(method, path string, query url.Values, header http.Header) (name string) {
	best := 0
	for i := range a.routes {
		r := &a.routes[i]
		if name != "" && r.specificity() < best {
			break
		}
		if !r.fits(method, path, query, header) {
			continue
		}
		if _, served := a.bound[r.name]; served {
			return r.name
		}
		if name == "" {
			name, best = r.name, r.specificity()
		}
	}
	return name
}

// lastPart is a target prefix without its package: SDKs differ on "com.amazonaws.codestar.connections.CodeStar_…".
func lastPart(prefix string) string {
	return prefix[strings.LastIndexByte(prefix, '.')+1:]
}
