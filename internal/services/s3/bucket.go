package s3

import (
	"context"
	"slices"
	"strings"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/state"
)

// home is the Region whose buckets have no location constraint.
const home = "us-east-1"

// CreateBucket makes a bucket. With today's defaults: no access control lists, nothing public.
func (s *Service) CreateBucket(ctx context.Context, in *s3api.CreateBucketInput) (*s3api.CreateBucketOutput, error) {
	call := aws.From(ctx)
	if call.Anonymous {
		return nil, denied()
	}
	name := *in.Bucket
	if !validName(name) {
		return nil, errInvalidBucketName.New("The specified bucket is not valid.").With("BucketName", name)
	}
	if aws.Val(in.ObjectLockEnabledForBucket) {
		return nil, awserr.NotImplemented("Object Lock (ObjectLockEnabledForBucket)")
	}
	if space := aws.Val(in.BucketNamespace); space != "" && space != "global" {
		return nil, awserr.NotImplemented("bucket namespace " + space)
	}
	region, tags, err := s.location(call.Region, in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	ownership := object.OwnerEnforced
	if in.ObjectOwnership != nil {
		ownership = *in.ObjectOwnership
	}
	b := object.Bucket{
		Name: name, Account: call.Account, Region: region, ID: object.NewBucketID(), Created: call.Now.UTC(), Tags: tags, Ownership: ownership,
		PublicAccess: &object.PublicAccess{BlockACLs: true, IgnoreACLs: true, BlockPolicy: true, RestrictBuckets: true},
	}
	if b.Grants, err = bucketGrants(&b, in); err != nil {
		return nil, err
	}
	if public(b.Grants) {
		return nil, errACLBlocked()
	}
	err = s.store.Update(ctx, func(tx *state.Tx) error {
		old, exists := s.tables.Buckets.Get(tx, name)
		switch {
		case !exists:
			s.tables.Buckets.Put(tx, &b)
			return nil
		case old.Account != call.Account:
			return s3api.ErrBucketAlreadyExists.New("The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.").With("BucketName", name)
		case old.Region == home && region == home:
			return nil // in this Region alone, making it again succeeds
		}
		return s3api.ErrBucketAlreadyOwnedByYou.New("Your previous request to create the named bucket succeeded and you already own it.").With("BucketName", name)
	})
	if err != nil {
		return nil, err
	}
	return &s3api.CreateBucketOutput{Location: new("/" + name), BucketArn: new(b.ARN())}, nil
}

// location is the Region of a new bucket.
func (s *Service) location(endpoint string, c *s3api.CreateBucketConfiguration) (region string, tags map[string]string, err error) {
	if c == nil {
		c = &s3api.CreateBucketConfiguration{}
	}
	if c.Location != nil || c.Bucket != nil {
		return "", nil, awserr.NotImplemented("directory buckets (CreateBucketConfiguration.Location, Bucket)")
	}
	if tags, err = checkTags(c.Tags, bucketTags); err != nil {
		return "", nil, err
	}
	constraint := aws.Val(c.LocationConstraint)
	switch {
	case constraint == "EU":
		constraint = "eu-west-1"
	case constraint == home:
		return "", nil, errInvalidLocation.New("The specified location-constraint is not valid").With("LocationConstraint", constraint)
	}
	switch {
	case constraint == "" && endpoint != home:
		return "", nil, errIllegalLocation.New("The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case constraint == "":
		return home, tags, nil
	case endpoint != home && endpoint != constraint:
		return "", nil, errIllegalLocation.New("The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
	}
	return constraint, tags, nil
}

// DeleteBucket deletes an empty bucket.
func (s *Service) DeleteBucket(ctx context.Context, in *s3api.DeleteBucketInput) (*s3api.DeleteBucketOutput, error) {
	w := wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:DeleteBucket"}
	if _, err := s.open(ctx, w); err != nil {
		return nil, err
	}
	err := s.engine.DeleteBucket(ctx, *in.Bucket, func(b *object.Bucket) error { return s.allow(ctx, b, w, nil) })
	return nil, fail(err, *in.Bucket, "")
}

// HeadBucket says whether a bucket is there.
func (s *Service) HeadBucket(ctx context.Context, in *s3api.HeadBucketInput) (*s3api.HeadBucketOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:ListBucket"})
	if err != nil {
		return nil, err
	}
	return &s3api.HeadBucketOutput{BucketRegion: &b.Region, BucketArn: new(b.ARN()), AccessPointAlias: new(false)}, nil
}

// GetBucketLocation tells a bucket's Region.
func (s *Service) GetBucketLocation(ctx context.Context, in *s3api.GetBucketLocationInput) (*s3api.GetBucketLocationOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketLocation"})
	if err != nil || b.Region == home {
		return nil, err
	}
	return &s3api.GetBucketLocationOutput{LocationConstraint: &b.Region}, nil
}

// ListBuckets lists the caller's buckets.
func (s *Service) ListBuckets(ctx context.Context, in *s3api.ListBucketsInput) (*s3api.ListBucketsOutput, error) {
	call := aws.From(ctx)
	if call.Anonymous {
		return nil, denied()
	}
	all := slices.DeleteFunc(slices.Collect(s.tables.Buckets.All(s.store.View(), aws.Val(in.Prefix))), func(b *object.Bucket) bool {
		return b.Account != call.Account || in.BucketRegion != nil && b.Region != *in.BucketRegion
	})
	some, next, err := page.Of(all, func(b *object.Bucket) string { return b.Name }, in.ContinuationToken, int(aws.Val(in.MaxBuckets)), 0, 0)
	if err != nil {
		return nil, err
	}
	out := &s3api.ListBucketsOutput{Buckets: []s3api.Bucket{}, Owner: owner(call.Account), ContinuationToken: next, Prefix: in.Prefix}
	for _, b := range some {
		out.Buckets = append(out.Buckets, s3api.Bucket{Name: &b.Name, CreationDate: &b.Created, BucketRegion: &b.Region, BucketArn: new(b.ARN())})
	}
	return out, nil
}

func owner(account string) *s3api.Owner { return &s3api.Owner{ID: new(canonicalID(account))} }

// quoted is an entity tag as it stands in headers and lists.
func quoted(etag string) *string { return new(`"` + etag + `"`) }

// unquoted is an entity tag as a client wrote it, without quotes.
func unquoted(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }

// opt is nil for what is empty.
func opt(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
