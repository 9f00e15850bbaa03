package iam

import (
	"maps"
	"slices"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// Quotas of IAM: "IAM and AWS STS quotas".
const (
	maxAttached     = 20 // adjustable up to 20: nothing fails here that an account could have raised
	maxInlineRole   = 10240
	maxInlineUser   = 2048
	maxPolicyLength = 6144
)

// carrier changes the policies of a role or user in place; callers own the copy.
type carrier struct {
	*policy.Entity
	kind      string // "role" or "user", as IAM's messages name it
	maxInline int    // characters of all inline policies together
}

func roleCarrier(r *policy.Role) carrier { return carrier{&r.Entity, "role", maxInlineRole} }
func userCarrier(u *policy.User) carrier { return carrier{&u.Entity, "user", maxInlineUser} }

func (c carrier) putInline(name, document string) error {
	if err := checkDocument(document, policy.IdentityKind); err != nil {
		return err
	}
	inline := maps.Clone(c.Inline)
	if inline == nil {
		inline = map[string]string{}
	}
	inline[name] = document
	size := 0
	for _, d := range inline {
		size += policy.Size(d)
	}
	if size > c.maxInline {
		return iamapi.ErrLimitExceededException.New("Maximum policy size of %d bytes exceeded for %s %s", c.maxInline, c.kind, c.Name)
	}
	c.Inline = inline
	return nil
}

func (c carrier) inline(name string) (string, error) {
	document, ok := c.Inline[name]
	if !ok {
		return "", iamapi.ErrNoSuchEntityException.New("The %s policy with name %s cannot be found.", c.kind, name)
	}
	return document, nil
}

func (c carrier) deleteInline(name string) error {
	if _, err := c.inline(name); err != nil {
		return err
	}
	c.Inline = maps.Clone(c.Inline)
	delete(c.Inline, name)
	return nil
}

func (c carrier) attach(arn string) error {
	if slices.Contains(c.Attached, arn) {
		return nil
	}
	if len(c.Attached) >= maxAttached {
		return iamapi.ErrLimitExceededException.New("Cannot exceed quota for PoliciesPer%s: %d", map[string]string{"role": "Role", "user": "User"}[c.kind], maxAttached)
	}
	c.Attached = append(slices.Clone(c.Attached), arn)
	return nil
}

func (c carrier) detach(arn string) error {
	i := slices.Index(c.Attached, arn)
	if i < 0 {
		return iamapi.ErrNoSuchEntityException.New("Policy %s was not found.", arn)
	}
	c.Attached = slices.Delete(slices.Clone(c.Attached), i, i+1)
	return nil
}

// deletable refuses while policies are left, as DeleteRole and DeleteUser do.
func (c carrier) deletable() error {
	switch {
	case len(c.Attached) > 0:
		return iamapi.ErrDeleteConflictException.New("Cannot delete entity, must detach all policies first.")
	case len(c.Inline) > 0:
		return iamapi.ErrDeleteConflictException.New("Cannot delete entity, must delete policies first.")
	}
	return nil
}

func (c carrier) inlineNames(marker *string, max *int32) ([]string, *bool, *string, error) {
	return listed(slices.Collect(maps.Keys(c.Inline)), func(n string) string { return n }, marker, max)
}

func (c carrier) attachedList(tx *state.Tx, t *policy.Tables, prefix, marker *string, max *int32) ([]iamapi.AttachedPolicy, *bool, *string, error) {
	var out []iamapi.AttachedPolicy
	for _, arn := range c.Attached {
		p, ok := t.Policy(tx, c.Account, arn)
		if ok && (prefix == nil || strings.HasPrefix(p.Path, *prefix)) {
			out = append(out, iamapi.AttachedPolicy{PolicyArn: new(arn), PolicyName: new(p.Name)})
		}
	}
	return listed(out, func(p iamapi.AttachedPolicy) string { return *p.PolicyName }, marker, max)
}

func (c carrier) boundary() *iamapi.AttachedPermissionsBoundary {
	if c.Boundary == "" {
		return nil
	}
	return &iamapi.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  new(c.Boundary),
		PermissionsBoundaryType: new("Policy"),
	}
}

// attachable checks that a managed policy exists before it is attached.
func (s *Service) attachable(tx *state.Tx, account string, arn *string) error {
	if _, ok := s.tables.Policy(tx, account, aws.Val(arn)); !ok {
		return iamapi.ErrNoSuchEntityException.New("Policy %s does not exist or is not attachable.", aws.Val(arn))
	}
	return nil
}
