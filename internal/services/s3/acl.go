package s3

import (
	"context"
	"strings"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/object"
)

const fullControl = "FULL_CONTROL"

// Canned access control lists.
const (
	cannedPrivate     = "private"
	cannedFullControl = "bucket-owner-full-control"
)

func errACLBlocked() error {
	return errAccessDenied.New("Access Denied because public access control lists (ACLs) are prevented by the BlockPublicAcls setting in S3 Block Public Access.")
}

func errInvalidBucketACLWithOwnership() error {
	return awserr.New("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
}

// canned are the grants of a canned list.
func canned(name, owner, bucketOwner string) ([]object.Grant, error) {
	grants := []object.Grant{{Grantee: canonicalID(owner), Permission: fullControl}}
	group := func(uri, permission string) {
		grants = append(grants, object.Grant{Grantee: uri, Group: true, Permission: permission})
	}
	switch name {
	case "", cannedPrivate:
	case "public-read":
		group(allUsers, "READ")
	case "public-read-write":
		group(allUsers, "READ")
		group(allUsers, "WRITE")
	case "authenticated-read":
		group(authenticatedUsers, "READ")
	case "log-delivery-write":
		group(logDelivery, "WRITE")
		group(logDelivery, "READ_ACP")
	case "bucket-owner-read", cannedFullControl:
		if owner != bucketOwner {
			permission := map[string]string{"bucket-owner-read": "READ", cannedFullControl: fullControl}[name]
			grants = append(grants, object.Grant{Grantee: canonicalID(bucketOwner), Permission: permission})
		}
	default:
		return nil, awserr.NotImplemented("canned access control list " + name)
	}
	return grants, nil
}

// grantHeaders are the members that carry grants beside a canned list.
var grantHeaders = []struct{ member, permission string }{
	{"GrantFullControl", fullControl}, {"GrantRead", "READ"}, {"GrantWrite", "WRITE"}, {"GrantReadACP", "READ_ACP"}, {"GrantWriteACP", "WRITE_ACP"},
}

// headerGrants reads grants from headers: id="…", uri="…".
func headerGrants(in any) (grants []object.Grant, err error) {
	for _, h := range grantHeaders {
		for part := range strings.SplitSeq(textOf(in, h.member), ",") {
			kind, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			value = strings.Trim(value, `"`)
			switch {
			case !ok && kind == "":
			case kind == "id":
				grants = append(grants, object.Grant{Grantee: value, Permission: h.permission})
			case kind == "uri":
				if value != allUsers && value != authenticatedUsers && value != logDelivery {
					return nil, invalidArgument("uri", value, "Invalid group uri")
				}
				grants = append(grants, object.Grant{Grantee: value, Group: true, Permission: h.permission})
			case kind == "emailAddress":
				return nil, awserr.NotImplemented("grants to e-mail addresses")
			default:
				return nil, invalidArgument(h.member, part, "Argument format not recognized")
			}
		}
	}
	return grants, nil
}

// grants of an input: a canned list, or headers.
func grantsOf(in any, owner, bucketOwner string) ([]object.Grant, error) {
	explicit, err := headerGrants(in)
	name := textOf(in, "ACL")
	switch {
	case err != nil:
		return nil, err
	case len(explicit) > 0 && name != "":
		return nil, errInvalidRequest.New("Specifying both Canned ACLs and Header Grants is not allowed")
	case len(explicit) > 0:
		return explicit, nil
	}
	return canned(name, owner, bucketOwner)
}

// bucketGrants are the grants of a new bucket.
func bucketGrants(b *object.Bucket, in any) ([]object.Grant, error) {
	grants, err := grantsOf(in, b.Account, b.Account)
	if err == nil && b.Ownership == object.OwnerEnforced && (textOf(in, "ACL") != "" && textOf(in, "ACL") != cannedPrivate || len(grants) > 1) {
		return nil, errInvalidBucketACLWithOwnership()
	}
	return grants, err
}

// objectGrants are the grants of a new object. Where access control lists are off, none but the owner's may be asked for.
func objectGrants(b *object.Bucket, account string, in any) ([]object.Grant, error) {
	grants, err := grantsOf(in, account, b.Account)
	if err != nil {
		return nil, err
	}
	if b.Ownership == object.OwnerEnforced {
		explicit, err := headerGrants(in)
		if name := textOf(in, "ACL"); err != nil || len(explicit) > 0 || name != "" && name != cannedFullControl {
			return nil, errACLNotSupported.New("The bucket does not allow ACLs")
		}
		return nil, nil
	}
	if public(grants) && b.PublicAccess != nil && b.PublicAccess.BlockACLs {
		return nil, errACLBlocked()
	}
	return grants, nil
}

// newGrants are what a PUT of an access control list asks for.
func newGrants(b *object.Bucket, account string, in any, p *s3api.AccessControlPolicy) ([]object.Grant, error) {
	grants, err := grantsOf(in, account, b.Account)
	if err != nil {
		return nil, err
	}
	if p != nil {
		grants = nil
		for _, g := range p.Grants {
			if g.Grantee == nil || g.Permission == nil {
				return nil, malformed()
			}
			switch *g.Grantee.Type {
			case "CanonicalUser":
				grants = append(grants, object.Grant{Grantee: aws.Val(g.Grantee.ID), Permission: *g.Permission})
			case "Group":
				grants = append(grants, object.Grant{Grantee: aws.Val(g.Grantee.URI), Group: true, Permission: *g.Permission})
			default:
				return nil, awserr.NotImplemented("grants to e-mail addresses")
			}
		}
	}
	if b.Ownership == object.OwnerEnforced {
		return nil, errACLNotSupported.New("The bucket does not allow ACLs")
	}
	if public(grants) && b.PublicAccess != nil && b.PublicAccess.BlockACLs {
		return nil, errACLBlocked()
	}
	return grants, nil
}

func shownGrants(grants []object.Grant, account string) []s3api.Grant {
	if len(grants) == 0 {
		grants = []object.Grant{{Grantee: canonicalID(account), Permission: fullControl}}
	}
	out := []s3api.Grant{}
	for _, g := range grants {
		to := &s3api.Grantee{Type: new("CanonicalUser"), ID: &g.Grantee}
		if g.Group {
			to = &s3api.Grantee{Type: new("Group"), URI: &g.Grantee}
		}
		out = append(out, s3api.Grant{Grantee: to, Permission: &g.Permission})
	}
	return out
}

// GetBucketACL reads a bucket's access control list.
func (s *Service) GetBucketACL(ctx context.Context, in *s3api.GetBucketAclInput) (*s3api.GetBucketAclOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketAcl"})
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketAclOutput{Owner: owner(b.Account), Grants: shownGrants(b.Grants, b.Account)}, nil
}

// PutBucketACL sets a bucket's access control list.
func (s *Service) PutBucketACL(ctx context.Context, in *s3api.PutBucketAclInput) (*s3api.PutBucketAclOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketAcl"}, func(b *object.Bucket) (err error) {
		b.Grants, err = newGrants(b, b.Account, in, in.AccessControlPolicy)
		return err
	})
}

// GetObjectACL reads an object's access control list.
func (s *Service) GetObjectACL(ctx context.Context, in *s3api.GetObjectAclInput) (*s3api.GetObjectAclOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:GetObjectAcl"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	v, err := s.head(ctx, b, *in.Key, in.VersionId)
	if err != nil {
		return nil, err
	}
	account := v.Owner
	if b.Ownership == object.OwnerEnforced || account == "" {
		account = b.Account
	}
	return &s3api.GetObjectAclOutput{Owner: owner(account), Grants: shownGrants(v.Grants, account)}, nil
}

// PutObjectACL sets an object's access control list.
func (s *Service) PutObjectACL(ctx context.Context, in *s3api.PutObjectAclInput) (*s3api.PutObjectAclOutput, error) {
	b, err := s.openVersion(ctx, wish{in.Bucket, in.ExpectedBucketOwner, in.Key, "s3:PutObjectAcl"}, in.VersionId)
	if err != nil {
		return nil, err
	}
	_, err = s.engine.Change(b, *in.Key, text(in.VersionId), func(v *object.Version) (err error) {
		v.Grants, err = newGrants(b, v.Owner, in, in.AccessControlPolicy)
		return err
	})
	return nil, fail(err, b.Name, *in.Key)
}
