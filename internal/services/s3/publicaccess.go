package s3

import (
	"context"

	s3api "github.com/neargate/neargate/internal/api/s3"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/policy"
)

// maxPolicy is the largest bucket policy in octets.
const maxPolicy = 20 << 10

// GetBucketPolicy reads a bucket's policy.
func (s *Service) GetBucketPolicy(ctx context.Context, in *s3api.GetBucketPolicyInput) (*s3api.GetBucketPolicyOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketPolicy"})
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, notConfigured("NoSuchBucketPolicy", "The bucket policy does not exist", b.Name)
	}
	return &s3api.GetBucketPolicyOutput{Policy: &b.Policy}, nil
}

// PutBucketPolicy sets a bucket's policy.
func (s *Service) PutBucketPolicy(ctx context.Context, in *s3api.PutBucketPolicyInput) (*s3api.PutBucketPolicyOutput, error) {
	text := *in.Policy
	if len(text) > maxPolicy {
		return nil, invalidArgument("Policy", "", "Normalized policy document exceeds the maximum allowed size of 20480 bytes")
	}
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketPolicy"}, func(b *object.Bucket) error {
		if what := policy.CheckBucket(text, b.ARN()); what != "" {
			return errMalformedPolicy.New("%s", what)
		}
		if b.PublicAccess != nil && b.PublicAccess.BlockPolicy && policy.Public(text) {
			return errAccessDenied.New("User: %s is not authorized to perform: s3:PutBucketPolicy on resource: \"%s\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", aws.From(ctx).Principal, b.ARN())
		}
		b.Policy = text
		return nil
	})
}

// DeleteBucketPolicy removes a bucket's policy.
func (s *Service) DeleteBucketPolicy(ctx context.Context, in *s3api.DeleteBucketPolicyInput) (*s3api.DeleteBucketPolicyOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:DeleteBucketPolicy"}, func(b *object.Bucket) error {
		b.Policy = ""
		return nil
	})
}

// GetBucketPolicyStatus tells whether a bucket's policy is public.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, in *s3api.GetBucketPolicyStatusInput) (*s3api.GetBucketPolicyStatusOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketPolicyStatus"})
	if err != nil {
		return nil, err
	}
	if b.Policy == "" {
		return nil, notConfigured("NoSuchBucketPolicy", "The bucket policy does not exist", b.Name)
	}
	return &s3api.GetBucketPolicyStatusOutput{PolicyStatus: &s3api.PolicyStatus{IsPublic: new(policy.Public(b.Policy))}}, nil
}

// GetPublicAccessBlock reads a bucket's Block Public Access settings.
func (s *Service) GetPublicAccessBlock(ctx context.Context, in *s3api.GetPublicAccessBlockInput) (*s3api.GetPublicAccessBlockOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketPublicAccessBlock"})
	if err != nil {
		return nil, err
	}
	p := b.PublicAccess
	if p == nil {
		return nil, notConfigured("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", b.Name)
	}
	return &s3api.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3api.PublicAccessBlockConfiguration{
		BlockPublicAcls: &p.BlockACLs, IgnorePublicAcls: &p.IgnoreACLs, BlockPublicPolicy: &p.BlockPolicy, RestrictPublicBuckets: &p.RestrictBuckets,
	}}, nil
}

// PutPublicAccessBlock sets a bucket's Block Public Access settings.
func (s *Service) PutPublicAccessBlock(ctx context.Context, in *s3api.PutPublicAccessBlockInput) (*s3api.PutPublicAccessBlockOutput, error) {
	c := in.PublicAccessBlockConfiguration
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketPublicAccessBlock"}, func(b *object.Bucket) error {
		b.PublicAccess = &object.PublicAccess{
			BlockACLs: aws.Val(c.BlockPublicAcls), IgnoreACLs: aws.Val(c.IgnorePublicAcls), BlockPolicy: aws.Val(c.BlockPublicPolicy), RestrictBuckets: aws.Val(c.RestrictPublicBuckets),
		}
		return nil
	})
}

// DeletePublicAccessBlock removes a bucket's Block Public Access settings.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, in *s3api.DeletePublicAccessBlockInput) (*s3api.DeletePublicAccessBlockOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketPublicAccessBlock"}, func(b *object.Bucket) error {
		b.PublicAccess = nil
		return nil
	})
}

// GetBucketOwnershipControls reads who owns objects that others upload.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, in *s3api.GetBucketOwnershipControlsInput) (*s3api.GetBucketOwnershipControlsOutput, error) {
	b, err := s.open(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:GetBucketOwnershipControls"})
	if err != nil {
		return nil, err
	}
	if b.Ownership == "" {
		return nil, notConfigured("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", b.Name)
	}
	return &s3api.GetBucketOwnershipControlsOutput{OwnershipControls: &s3api.OwnershipControls{Rules: []s3api.OwnershipControlsRule{{ObjectOwnership: &b.Ownership}}}}, nil
}

// PutBucketOwnershipControls sets who owns objects that others upload.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, in *s3api.PutBucketOwnershipControlsInput) (*s3api.PutBucketOwnershipControlsOutput, error) {
	rules := in.OwnershipControls.Rules
	if len(rules) != 1 {
		return nil, malformed()
	}
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketOwnershipControls"}, func(b *object.Bucket) error {
		b.Ownership = *rules[0].ObjectOwnership
		if b.Ownership == object.OwnerEnforced && len(b.Grants) > 1 {
			return errInvalidBucketACLWithOwnership()
		}
		return nil
	})
}

// DeleteBucketOwnershipControls removes the setting.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, in *s3api.DeleteBucketOwnershipControlsInput) (*s3api.DeleteBucketOwnershipControlsOutput, error) {
	return nil, s.change(ctx, wish{in.Bucket, in.ExpectedBucketOwner, nil, "s3:PutBucketOwnershipControls"}, func(b *object.Bucket) error {
		b.Ownership = ""
		return nil
	})
}
