package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// detect finds service, operation and protocol of the request.
func (g *Gateway) detect(x *exchange) error {
	var signed error
	x.signature, signed = sigv4.Parse(x.http, x.query)
	a, name, err := g.find(x)
	if err != nil {
		return err
	}
	x.service = a.service
	x.call.Service, x.call.Operation = a.service.Name, name
	switch {
	case errors.Is(signed, sigv4.ErrAlgorithm):
		return x.denial().algorithm(signed)
	case signed != nil:
		return x.denial().incomplete()
	}
	b, ok := a.bound[name]
	if !ok {
		return awserr.NotImplemented(a.service.Name + " " + name)
	}
	x.binding, x.info = b, b.Info
	return x.next()
}

// find names the API and the operation, and sets the codec as soon as the protocol is known, so that even errors speak it.
func (g *Gateway) find(x *exchange) (*api, string, error) {
	if g.forBuckets(x) {
		return g.findBucket(x)
	}
	switch target := x.http.Header.Get("X-Amz-Target"); {
	case x.http.Header.Get("Smithy-Protocol") != "":
		return g.findRPC(x)
	case target != "":
		return g.findTarget(x, target)
	case isForm(x.http) || x.query.Has("Action"):
		return g.findAction(x)
	}
	return g.findREST(x)
}

// findRPC reads /service/{service}/operation/{operation}, behind any prefix.
func (g *Gateway) findRPC(x *exchange) (*api, string, error) {
	x.codec = proto.CBOR{}
	parts := strings.Split(x.http.URL.Path, "/")
	n := len(parts)
	if x.http.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" || n < 4 || parts[n-4] != "service" || parts[n-2] != "operation" {
		return nil, "", unknownOperation()
	}
	a := g.apis.byTarget[lastPart(parts[n-3])]
	if a == nil {
		return nil, "", awserr.NotImplemented(parts[n-3] + " " + parts[n-1])
	}
	if !a.known[parts[n-1]] {
		return nil, "", unknownOperation()
	}
	return a, parts[n-1], nil
}

// findTarget reads X-Amz-Target: prefix.Operation.
func (g *Gateway) findTarget(x *exchange, target string) (*api, string, error) {
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 {
		return nil, "", unknownOperation()
	}
	prefix, name := target[:dot], target[dot+1:]
	a := g.apis.byTarget[lastPart(prefix)]
	version := "1.1"
	if a != nil && a.service.JSONVersion != "" {
		version = a.service.JSONVersion
	}
	switch contentType := x.http.Header.Get("Content-Type"); {
	case strings.HasPrefix(contentType, "application/x-amz-json-1.0"):
		version = "1.0"
	case strings.HasPrefix(contentType, "application/x-amz-json-1.1"):
		version = "1.1"
	}
	x.codec = proto.JSON{Version: version}
	if a == nil {
		return nil, "", awserr.NotImplemented(prefix + " " + name)
	}
	if !a.known[name] {
		return nil, "", unknownOperation()
	}
	return a, name, nil
}

func unknownOperation() error {
	return awserr.New("UnknownOperationException", http.StatusBadRequest, "")
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// findAction reads the parameters Action and Version. The body has to be read for them.
func (g *Gateway) findAction(x *exchange) (*api, string, error) {
	x.codec = proto.Query{}
	if x.signature != nil && x.signature.Service == "ec2" {
		x.codec = proto.EC2Query{}
	}
	if err := x.receive(maxForm); err != nil {
		return nil, "", err
	}
	var body []byte
	if isForm(x.http) {
		var err error
		if body, err = x.plainBody(); err != nil {
			return nil, "", err
		}
	}
	form, err := proto.ParseForm(x.http.URL.RawQuery, string(body))
	if limit, ok := errors.AsType[*proto.LimitError](err); ok {
		return nil, "", errTooLarge(": " + limit.Error())
	}
	if err != nil {
		return nil, "", awserr.New("MalformedQueryString", http.StatusNotFound, "The query string contains a syntax error.")
	}
	x.form = form
	a := g.queryAPI(x)
	switch {
	case form.Action != "" && x.isClassic():
		return nil, "", awserr.NotImplemented("Classic Load Balancers (elasticloadbalancing " + form.Version + " " + form.Action + ")")
	case a == nil && form.Action != "" && x.signature != nil:
		return nil, "", awserr.NotImplemented(x.signature.Service + " " + form.Action)
	case a == nil || form.Action == "":
		return nil, "", awserr.New("MissingAction", http.StatusBadRequest, "The request is missing an action or a required parameter.")
	}
	x.service = a.service
	if a.speaks("ec2") {
		x.codec = proto.EC2Query{}
		if !a.known[form.Action] {
			return nil, "", awserr.New("InvalidAction", http.StatusBadRequest, "The action %s is not valid for this web service.", form.Action)
		}
		return a, form.Action, nil
	}
	// EC2 takes any version of its API; elsewhere another version is another API.
	if !a.known[form.Action] || form.Version != "" && form.Version != a.service.APIVersion {
		return nil, "", awserr.New("InvalidAction", http.StatusBadRequest, "Could not find operation %s for version %s", form.Action, form.Version)
	}
	return a, form.Action, nil
}

// queryAPI is the query API that a form is for: by the signature's scope, else by host name, else by version and action.
func (g *Gateway) queryAPI(x *exchange) *api {
	var candidates []*api
	if x.signature != nil {
		candidates = g.apis.bySigning[x.signature.Service]
	} else if candidates = g.apis.byEndpoint[hostLabel(x.http.Host)]; len(candidates) == 0 {
		candidates = g.apis.queryByDate[x.form.Version]
	}
	var best *api
	for _, a := range candidates {
		switch {
		case !a.speaks("query") && !a.speaks("ec2"):
		case a.service.APIVersion == x.form.Version && a.known[x.form.Action]:
			return a
		case best == nil || a.service.APIVersion == x.form.Version:
			best = a
		}
	}
	return best
}

// hostLabel is the first label of a host name: "ecs" of ecs.us-east-1.amazonaws.com.
func hostLabel(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label
}

// findREST goes by method and path, among the APIs that signature or host name allow.
func (g *Gateway) findREST(x *exchange) (*api, string, error) {
	candidates := g.apis.rest
	if x.signature != nil {
		candidates = g.apis.bySigning[x.signature.Service]
	} else if named := g.apis.byEndpoint[hostLabel(x.http.Host)]; len(named) > 0 {
		candidates = named
	}
	if x.http.Header.Get("X-Amz-Content-Sha256") != "" {
		x.codec = proto.RESTXML{} // only S3's clients send it: let even their errors be XML
	}
	for _, a := range candidates {
		name := a.route(x.http.Method, x.path, x.query, x.http.Header)
		if name == "" {
			continue
		}
		x.codec = proto.RESTJSON{}
		if a.speaks("rest-xml") {
			x.codec = proto.RESTXML{}
		}
		return a, name, nil
	}
	if x.signature != nil && !slices.ContainsFunc(candidates, func(a *api) bool { return len(a.routes) > 0 }) {
		return nil, "", x.unbuilt(candidates)
	}
	if x.signature == nil && g.apis.buckets != nil && strings.Trim(x.path, "/") != "" {
		return g.findBucket(x) // a public object, by path
	}
	return nil, "", awserr.New("UnknownOperationException", http.StatusNotFound, "")
}
