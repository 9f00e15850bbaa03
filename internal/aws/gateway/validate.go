package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// validate checks the input against the model's constraints.
func (g *Gateway) validate(x *exchange) error {
	if broken := proto.Validate(x.service, x.in); len(broken) > 0 {
		return refusal(x.service.InvalidCode, x.service.Violations, broken)
	}
	return x.next()
}

// refusal words violations in the style of the service.
func refusal(code, style string, broken []proto.Violation) error {
	first := broken[0]
	switch style {
	case "ec2":
		if first.Missing {
			return awserr.New("MissingParameter", http.StatusBadRequest, "The request must contain the parameter %s", first.Path)
		}
		return awserr.New(code, http.StatusBadRequest, "%s", ec2Text(first))
	case "parameter":
		return awserr.New(code, http.StatusBadRequest, "Invalid parameter at '%s' failed to satisfy constraint: '%s'", first.Path, parameterText(first.Constraint))
	}
	if style == "s3" && first.InBody {
		return awserr.New("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	texts := make([]string, len(broken))
	for i, v := range broken {
		texts[i] = v.String()
	}
	count := "1 validation error"
	if len(broken) > 1 {
		count = fmt.Sprintf("%d validation errors", len(broken))
	}
	return awserr.New(code, http.StatusBadRequest, "%s detected: %s", count, strings.Join(texts, "; "))
}

// ec2Text: "Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5."
func ec2Text(v proto.Violation) string {
	head := fmt.Sprintf("Value (%s) for parameter %s is invalid.", strings.Trim(v.Value, "'"), v.Path)
	for _, bound := range []string{"greater", "less"} {
		if _, limit, ok := strings.Cut(v.Constraint, "value "+bound+" than or equal to "); ok {
			return fmt.Sprintf("Value ( %s ) for parameter %s is invalid. Expecting a value %s than %s.", strings.Trim(v.Value, "'"), v.Path, bound, limit)
		}
	}
	return head + " " + v.Constraint
}

// parameterText is the constraint as ECR words it.
func parameterText(constraint string) string {
	if _, pattern, ok := strings.Cut(constraint, "Member must satisfy regular expression pattern: "); ok && strings.HasPrefix(constraint, "Member must satisfy regular") {
		return "must satisfy regular expression '" + pattern + "'"
	}
	if rest, ok := strings.CutPrefix(constraint, "Member must "); ok && !strings.HasPrefix(rest, "satisfy constraint") {
		return "must " + rest
	}
	return constraint
}
