package gateway

import (
	"fmt"
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
	rest        []*api
}

// api is one API and its handlers.
type api struct {
	service *aws.Service
	bound   map[string]aws.Binding
	known   map[string]bool // all operations AWS has
	routes  []restRoute     // REST only, most specific first
}

type restRoute struct {
	name, method string
	template     proto.Template
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
			a.routes = append(a.routes, restRoute{r.Name, r.Method, proto.ParseTemplate(r.Path)})
		}
	}
	slices.SortStableFunc(a.routes, func(x, y restRoute) int { return y.template.Specificity() - x.template.Specificity() })
	c.byName[s.Name] = a
	c.bySigning[s.SigningName] = append(c.bySigning[s.SigningName], a)
	c.byEndpoint[s.EndpointPrefix] = append(c.byEndpoint[s.EndpointPrefix], a)
	if s.TargetPrefix != "" {
		c.byTarget[lastPart(s.TargetPrefix)] = a
	}
	if a.speaks("query") || a.speaks("ec2") {
		c.queryByDate[s.APIVersion] = append(c.queryByDate[s.APIVersion], a)
	}
	if len(a.routes) > 0 {
		c.rest = append(c.rest, a)
	}
	return a
}

func (a *api) speaks(protocol string) bool { return slices.Contains(a.service.Protocols, protocol) }

// route finds the operation of a REST request.
func (a *api) route(method, path string, query map[string][]string) string {
	for _, r := range a.routes {
		if r.method != method {
			continue
		}
		if _, ok := r.template.Match(path, query); ok {
			return r.name
		}
	}
	return ""
}

// lastPart is a target prefix without its package: SDKs differ on "com.amazonaws.codestar.connections.CodeStar_…".
func lastPart(prefix string) string {
	return prefix[strings.LastIndexByte(prefix, '.')+1:]
}
