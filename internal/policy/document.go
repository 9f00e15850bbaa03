package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind tells the two kinds of policy documents apart: a trust policy says who
// (Principal), an identity policy says what (Resource).
type Kind int

// The kinds of documents.
const (
	IdentityKind Kind = iota
	TrustKind
)

// document is a policy document as far as it is decided on.
type document struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

type statement struct {
	Sid          string
	Effect       string
	Action       values
	NotAction    values
	Resource     values
	NotResource  values
	Principal    *principal
	NotPrincipal *principal
	Condition    map[string]map[string]values
}

// statements is one statement or a list of them.
type statements []statement

func (s *statements) UnmarshalJSON(data []byte) error { return oneOrMany(data, (*[]statement)(s)) }

// values is one string or a list of them; numbers and booleans count as strings.
type values []string

func (v *values) UnmarshalJSON(data []byte) error {
	var list []any
	if err := oneOrMany(data, &list); err != nil {
		return err
	}
	*v = values{}
	for _, item := range list {
		switch item.(type) {
		case string, float64, bool:
			*v = append(*v, fmt.Sprint(item))
		default:
			return errors.New("a value is neither a string nor a list of strings")
		}
	}
	return nil
}

// principal is "*" or a map from AWS, Service, Federated or CanonicalUser to values.
type principal map[string]values

func (p *principal) UnmarshalJSON(data []byte) error {
	if string(data) == `"*"` {
		*p = principal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(data, (*map[string]values)(p))
}

func oneOrMany[T any](data []byte, list *[]T) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, list)
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*list = []T{one}
	return nil
}

// Check says what is wrong with a policy document, in the words of IAM's
// MalformedPolicyDocument errors; empty where nothing is.
func Check(text string, kind Kind) string {
	if !json.Valid([]byte(text)) {
		if kind == TrustKind {
			return "This policy contains invalid Json"
		}
		return "Syntax errors in policy."
	}
	d, err := parse(text)
	if err != nil {
		return "Syntax errors in policy."
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return "Syntax errors in policy."
	}
	if len(d.Statement) == 0 {
		return "Syntax errors in policy."
	}
	for i := range d.Statement {
		if what := d.Statement[i].check(kind); what != "" {
			return what
		}
	}
	return ""
}

func parse(text string) (document, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	return d, dec.Decode(&d)
}

func (s *statement) check(kind Kind) string {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return "Syntax errors in policy."
	case len(s.Action) == 0 && len(s.NotAction) == 0:
		return "Policy statement must contain actions."
	case kind == TrustKind && (s.Resource != nil || s.NotResource != nil):
		return "Has prohibited field Resource"
	case kind == TrustKind && s.Principal == nil && s.NotPrincipal == nil:
		return "Missing required field Principal"
	case kind == IdentityKind && (s.Principal != nil || s.NotPrincipal != nil):
		return "Policy document should not specify a principal."
	case kind == IdentityKind && len(s.Resource) == 0 && len(s.NotResource) == 0:
		return "Policy statement must contain resources."
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if action != "*" && !strings.Contains(action, ":") {
			return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
		}
	}
	return ""
}

// Size is a document's length as IAM's quotas count it: without white space.
func Size(text string) int {
	return len(text) - strings.Count(text, " ") - strings.Count(text, "\t") - strings.Count(text, "\n") - strings.Count(text, "\r")
}
