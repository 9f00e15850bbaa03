package policy

import (
	"fmt"
	"strings"

	"github.com/neargate/neargate/internal/wildcard"
)

// TrustRequest is what a caller wants of a role, or of another account's resource.
type TrustRequest struct {
	Action    string            // sts:AssumeRole
	Account   string            // of the caller
	Principal string            // ARN of the caller
	Context   map[string]string // condition keys in lower case → value: sts:externalid, sts:rolesessionname
}

// Trusts decides whether a role's trust policy lets the caller assume it. An
// explicit deny wins. An error names a condition that Neargate can't decide.
// IAM User Guide, "Policy evaluation logic".
func (r *Role) Trusts(q TrustRequest) (bool, error) {
	d, err := parse(r.Trust)
	if err != nil {
		return false, fmt.Errorf("role %s: trust policy: %w", r.Name, err)
	}
	allowed, err := d.allows(q)
	if err != nil {
		return false, fmt.Errorf("role %s: trust policy: %w", r.Name, err)
	}
	return allowed, nil
}

// allows decides by the statements that speak of the caller and the action.
func (d *document) allows(q TrustRequest) (bool, error) {
	allowed := false
	for i := range d.Statement {
		s := &d.Statement[i]
		if !s.covers(q) {
			continue
		}
		met, err := s.conditionsMet(q.Context)
		if err != nil {
			return false, err
		}
		switch {
		case met && s.Effect == "Deny":
			return false, nil
		case met:
			allowed = true
		}
	}
	return allowed, nil
}

func (s *statement) covers(q TrustRequest) bool {
	action := len(s.Action) > 0 && anyMatch(s.Action, q.Action, true) ||
		len(s.NotAction) > 0 && !anyMatch(s.NotAction, q.Action, true)
	who := s.Principal != nil && s.Principal.covers(q) || s.NotPrincipal != nil && !s.NotPrincipal.covers(q)
	return action && who
}

// covers: "*", the account (by number or root ARN) or the caller's own ARN.
func (p principal) covers(q TrustRequest) bool {
	for _, who := range p["AWS"] {
		if who == "*" || who == q.Account || who == "arn:aws:iam::"+q.Account+":root" || who == q.Principal || who == roleOf(q.Principal) {
			return true
		}
	}
	return false
}

// roleOf is the ARN of the role behind an assumed-role session's ARN, as trust policies name it.
func roleOf(principal string) string {
	head, session, ok := strings.Cut(principal, ":assumed-role/")
	if !ok {
		return ""
	}
	role, _, _ := strings.Cut(session, "/")
	return strings.Replace(head, ":sts:", ":iam:", 1) + ":role/" + role
}

// conditionsMet evaluates the operators a trust policy uses.
func (s *statement) conditionsMet(context map[string]string) (bool, error) {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			got, present := context[strings.ToLower(key)]
			met := false
			switch operator {
			case "StringEquals":
				met = present && anyEqual(wanted, got)
			case "StringNotEquals":
				met = !present || !anyEqual(wanted, got)
			case "StringLike", "ArnLike", "ArnEquals":
				met = present && anyMatch(wanted, got, false)
			case "StringNotLike", "ArnNotLike", "ArnNotEquals":
				met = !present || !anyMatch(wanted, got, false)
			default:
				return false, fmt.Errorf("condition operator %s", operator)
			}
			if !met {
				return false, nil
			}
		}
	}
	return true, nil
}

func anyEqual(wanted []string, got string) bool {
	for _, w := range wanted {
		if w == got {
			return true
		}
	}
	return false
}

func anyMatch(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if wildcard.Match(p, s) {
			return true
		}
	}
	return false
}
