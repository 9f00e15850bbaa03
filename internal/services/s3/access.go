package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/policy"
)

// Who may do what. The bucket's own account may do everything that the bucket's policy does not deny: identity policies are not
// evaluated yet, in S3 as elsewhere. Everybody else, and nobody in particular, needs a policy or an access control list that
// grants it, and no Block Public Access setting that takes it back.

// Groups of grantees.
const (
	allUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// canonicalID is the canonical user id of an account.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(sum[:])
}

// own are the operations that no policy can take from the bucket's account: it would lock itself out.
var own = []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}

func (s *Service) allow(ctx context.Context, b *object.Bucket, w wish, version *string) error {
	call := aws.From(ctx)
	resource := b.ARN()
	if w.key != nil {
		resource += "/" + *w.key
	}
	caller := policy.Access{Action: w.action, Resource: resource, Context: map[string]string{
		"aws:sourceip": call.SourceIP, "aws:securetransport": "true", "aws:currenttime": call.Now.UTC().Format("2006-01-02T15:04:05Z"),
	}}
	if !call.Anonymous {
		caller.Account, caller.Principal = call.Account, call.Principal
		caller.Context["aws:principalaccount"], caller.Context["aws:principalarn"] = call.Account, call.Principal
	}
	decision, err := policy.Decide(b.Policy, caller)
	if err != nil {
		s.log.Warn("bucket policy is not decided", "bucket", b.Name, "error", err)
		return denied()
	}
	owner := caller.Account == b.Account
	switch {
	case owner && slices.Contains(own, w.action):
		return nil
	case decision == policy.Deny:
		return denied()
	case owner:
		return nil
	case decision == policy.Allow && !(b.PublicAccess != nil && b.PublicAccess.RestrictBuckets && policy.Public(b.Policy)):
		return nil
	case s.granted(ctx, b, w, version, caller.Account):
		return nil
	}
	return denied()
}

// permissions are what grants on a bucket, or on an object, must say for an action.
var permissions = map[string]string{
	"s3:ListBucket": "READ", "s3:ListBucketVersions": "READ", "s3:ListBucketMultipartUploads": "READ", "s3:PutObject": "WRITE",
	"s3:DeleteObject": "WRITE", "s3:GetBucketAcl": "READ_ACP", "s3:PutBucketAcl": "WRITE_ACP",
	"s3:GetObject": "READ", "s3:GetObjectVersion": "READ", "s3:GetObjectAcl": "READ_ACP", "s3:GetObjectVersionAcl": "READ_ACP",
	"s3:PutObjectAcl": "WRITE_ACP", "s3:PutObjectVersionAcl": "WRITE_ACP",
}

// granted decides by access control lists. Every version of an object has its own.
func (s *Service) granted(ctx context.Context, b *object.Bucket, w wish, version *string, account string) bool {
	permission := permissions[w.action]
	if permission == "" || b.Ownership == object.OwnerEnforced {
		return false
	}
	grants := b.Grants
	if w.key != nil && permission != "WRITE" {
		v, err := s.engine.Head(ctx, b, *w.key, text(version))
		if err != nil || v.Marker {
			return false
		}
		grants = v.Grants
	}
	ignored := b.PublicAccess != nil && b.PublicAccess.IgnoreACLs
	return slices.ContainsFunc(grants, func(g object.Grant) bool {
		if g.Permission != permission && g.Permission != "FULL_CONTROL" {
			return false
		}
		switch {
		case !g.Group:
			return account != "" && g.Grantee == canonicalID(account)
		case ignored:
			return false
		}
		return g.Grantee == allUsers || g.Grantee == authenticatedUsers && account != ""
	})
}

// public says whether grants are for everybody.
func public(grants []object.Grant) bool {
	return slices.ContainsFunc(grants, func(g object.Grant) bool {
		return g.Group && (g.Grantee == allUsers || g.Grantee == authenticatedUsers)
	})
}

// versioned is the action on an object, or on one version of it, as policies name it.
func versioned(action string, id *string) string {
	if id == nil {
		return action
	}
	verb, rest, _ := strings.Cut(action, "Object")
	return verb + "ObjectVersion" + rest
}
