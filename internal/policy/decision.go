package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/wildcard"
)

// Decision is what a resource's policy says of a request.
type Decision int

// Decisions. A deny outweighs every allow.
const (
	Neutral Decision = iota
	Allow
	Deny
)

// Access is a request for a resource, of whoever it is.
type Access struct {
	Action    string            // s3:GetObject
	Resource  string            // ARN
	Account   string            // of the caller; empty for anonymous ones and services
	Principal string            // ARN of the caller; likewise
	Service   string            // service principal: logdelivery.elasticloadbalancing.amazonaws.com
	Context   map[string]string // condition keys in lower case → value
}

// Decide evaluates a resource's policy. An error names a condition that Neargate can't decide.
func Decide(text string, a Access) (Decision, error) {
	if text == "" {
		return Neutral, nil
	}
	d, err := parse(text)
	if err != nil {
		return Neutral, err
	}
	decision := Neutral
	for i := range d.Statement {
		s := &d.Statement[i]
		if !s.about(a) {
			continue
		}
		met, err := s.met(a.Context)
		if err != nil {
			return Deny, err
		}
		switch {
		case met && s.Effect == "Deny":
			return Deny, nil
		case met:
			decision = Allow
		}
	}
	return decision, nil
}

// about says whether the statement speaks of the request, conditions aside.
func (s *statement) about(a Access) bool {
	matches := func(patterns values, is string, fold bool) bool { return anyMatch(patterns, is, fold) }
	action := matches(s.Action, a.Action, true) || len(s.NotAction) > 0 && !matches(s.NotAction, a.Action, true)
	resource := matches(s.Resource, a.Resource, false) || len(s.NotResource) > 0 && !matches(s.NotResource, a.Resource, false)
	who := s.Principal != nil && s.Principal.is(a) || s.NotPrincipal != nil && !s.NotPrincipal.is(a)
	return action && resource && who
}

func (p principal) is(a Access) bool {
	if slices.Contains(p["AWS"], "*") || a.Service != "" && slices.Contains(p["Service"], a.Service) {
		return true
	}
	return a.Account != "" && p.covers(TrustRequest{Account: a.Account, Principal: a.Principal})
}

// met evaluates the conditions; all of them must hold.
func (s *statement) met(context map[string]string) (bool, error) {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			got, present := context[strings.ToLower(key)]
			met, err := holds(operator, wanted, got, present)
			if err != nil || !met {
				return false, err
			}
		}
	}
	return true, nil
}

// holds evaluates one condition ("IAM JSON policy elements: Condition operators").
func holds(operator string, wanted []string, got string, present bool) (bool, error) {
	if operator == "Null" {
		return anyEqual(wanted, strconv.FormatBool(!present)), nil
	}
	name, ifExists := strings.CutSuffix(operator, "IfExists")
	if ifExists && !present {
		return true, nil
	}
	test, negated, ok := operatorOf(name)
	if !ok {
		return false, fmt.Errorf("condition operator %s", operator)
	}
	if !present {
		return negated, nil
	}
	for _, w := range wanted {
		if test(w, got) {
			return !negated, nil
		}
	}
	return negated, nil
}

// operatorOf finds the test of an operator, and whether the operator is its opposite.
func operatorOf(name string) (test func(want, got string) bool, negated, ok bool) {
	equal := func(want, got string) bool { return want == got }
	switch name {
	case "StringEquals":
		return equal, false, true
	case "StringNotEquals":
		return equal, true, true
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold, false, true
	case "StringNotEqualsIgnoreCase":
		return strings.EqualFold, true, true
	case "StringLike", "ArnLike", "ArnEquals":
		return wildcard.Match, false, true
	case "StringNotLike", "ArnNotLike", "ArnNotEquals":
		return wildcard.Match, true, true
	case "IpAddress":
		return inNetwork, false, true
	case "NotIpAddress":
		return inNetwork, true, true
	}
	for kind, compare := range map[string]func(want, got string) (int, bool){"Numeric": byNumber, "Date": byDate} {
		relation, is := strings.CutPrefix(name, kind)
		holds, known := relations[relation]
		if is && known {
			return func(want, got string) bool {
				c, ok := compare(want, got)
				return ok && holds(c)
			}, relation == "NotEquals", true
		}
	}
	return nil, false, false
}

// relations of a value to the one wanted, by the sign of their comparison. NotEquals is the opposite of its test.
var relations = map[string]func(int) bool{
	"Equals": func(c int) bool { return c == 0 }, "NotEquals": func(c int) bool { return c == 0 },
	"LessThan": func(c int) bool { return c < 0 }, "LessThanEquals": func(c int) bool { return c <= 0 },
	"GreaterThan": func(c int) bool { return c > 0 }, "GreaterThanEquals": func(c int) bool { return c >= 0 },
}

func byNumber(want, got string) (int, bool) {
	w, err := strconv.ParseFloat(want, 64)
	g, err2 := strconv.ParseFloat(got, 64)
	switch {
	case err != nil || err2 != nil:
		return 0, false
	case g < w:
		return -1, true
	case g > w:
		return 1, true
	}
	return 0, true
}

func byDate(want, got string) (int, bool) {
	w, err := time.Parse(time.RFC3339, want)
	g, err2 := time.Parse(time.RFC3339, got)
	return g.Compare(w), err == nil && err2 == nil
}

func inNetwork(want, got string) bool {
	address, err := netip.ParseAddr(got)
	if err != nil {
		return false
	}
	if network, err := netip.ParsePrefix(want); err == nil {
		return network.Contains(address)
	}
	one, err := netip.ParseAddr(want)
	return err == nil && one == address
}

// narrow are condition keys that keep a statement about everybody from being public, if they ask for fixed values ("The
// meaning of public").
var narrow = []string{
	"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip", "aws:userid", "aws:principalorgid",
	"aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

// Public says whether a resource's policy lets everybody do something.
func Public(text string) bool {
	d, err := parse(text)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(d.Statement, func(s statement) bool {
		everybody := s.Principal != nil && slices.Contains((*s.Principal)["AWS"], "*") || s.NotPrincipal != nil
		return s.Effect == "Allow" && everybody && !s.narrowed()
	})
}

func (s *statement) narrowed() bool {
	for operator, keys := range s.Condition {
		if strings.Contains(operator, "Not") || strings.HasPrefix(operator, "ForAllValues") {
			continue
		}
		for key, wanted := range keys {
			wide := func(v string) bool {
				return strings.ContainsAny(v, "*?") && !strings.HasPrefix(v, "arn:") || v == "0.0.0.0/0" || v == "::/0"
			}
			if slices.Contains(narrow, strings.ToLower(key)) && !slices.ContainsFunc(wanted, wide) {
				return true
			}
		}
	}
	return false
}

// CheckBucket says what is wrong with the policy of a bucket, in the words of S3's MalformedPolicy errors; empty where nothing is.
func CheckBucket(text, arn string) string {
	if strings.TrimSpace(text) == "" || strings.TrimSpace(text)[0] != '{' {
		return "Policies must be valid JSON and the first byte must be '{'"
	}
	d, err := parse(text)
	if err != nil {
		return "This policy contains invalid Json"
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return "The policy must contain a valid version string"
	}
	if len(d.Statement) == 0 {
		return "Missing required field Statement"
	}
	for i := range d.Statement {
		if what := d.Statement[i].checkBucket(arn); what != "" {
			return what
		}
	}
	return ""
}

func (s *statement) checkBucket(arn string) string {
	switch {
	case s.Effect == "":
		return "Missing required field Effect"
	case s.Effect != "Allow" && s.Effect != "Deny":
		return "Invalid effect: " + s.Effect
	case s.Principal == nil && s.NotPrincipal == nil:
		return "Missing required field Principal"
	case len(s.Action) == 0 && len(s.NotAction) == 0:
		return "Missing required field Action"
	case len(s.Resource) == 0 && len(s.NotResource) == 0:
		return "Missing required field Resource"
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if vendor, _, ok := strings.Cut(action, ":"); action != "*" && (!ok || vendor != "s3") {
			return "Policy has invalid action"
		}
	}
	for _, resource := range slices.Concat(s.Resource, s.NotResource) {
		if resource != arn && !strings.HasPrefix(resource, arn+"/") {
			return "Policy has invalid resource"
		}
	}
	if len(s.Resource) > 0 && slices.ContainsFunc(s.Action, func(action string) bool { return !s.reaches(action, arn) }) {
		return "Action does not apply to any resource(s) in statement"
	}
	for _, p := range []*principal{s.Principal, s.NotPrincipal} {
		if p != nil && !p.wellFormed() {
			return "Invalid principal in policy"
		}
	}
	for operator := range s.Condition {
		name := strings.TrimSuffix(operator, "IfExists")
		if _, _, ok := operatorOf(name); !ok && operator != "Null" {
			return "Invalid Condition type : " + operator
		}
	}
	return ""
}

// reaches is whether the statement has a resource that an action is about: the bucket for some actions, objects for others. Actions with
// wildcards, and those whose names do not tell, may be about both (Service Authorization Reference, "Actions defined by Amazon S3").
func (s *statement) reaches(action, arn string) bool {
	name := strings.TrimPrefix(strings.ToLower(action), "s3:")
	ofBucket := func(resource string) bool { return resource == arn }
	ofObjects := func(resource string) bool { return resource != arn }
	switch {
	case strings.ContainsAny(name, "*?"):
		return true
	case slices.Contains(objectActions, name):
		return slices.ContainsFunc(s.Resource, ofObjects)
	case strings.Contains(name, "bucket") || strings.HasSuffix(name, "configuration"):
		return slices.ContainsFunc(s.Resource, ofBucket)
	case strings.Contains(name, "object"):
		return slices.ContainsFunc(s.Resource, ofObjects)
	}
	return true
}

// objectActions are about objects, though their names do not say so or name the bucket, too.
var objectActions = []string{
	"abortmultipartupload", "listmultipartuploadparts", "bypassgovernanceretention", "replicatedelete", "replicatetags", "objectowneroverridetobucketowner",
}

func (p principal) wellFormed() bool {
	for kind, who := range p {
		for _, w := range who {
			switch kind {
			case "AWS":
				account := len(w) == 12 && strings.Trim(w, "0123456789") == ""
				if w != "*" && !account && !strings.HasPrefix(w, "arn:aws:iam::") && !strings.HasPrefix(w, "arn:aws:sts::") {
					return false
				}
			case "Service":
				if !strings.HasSuffix(w, ".amazonaws.com") {
					return false
				}
			case "Federated", "CanonicalUser":
			default:
				return false
			}
		}
	}
	return true
}
